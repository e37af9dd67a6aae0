"""The cookies of a session, as far as an opening handshake needs them.

Does not keep cookies: the jar is one of the installed `aiohttp`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from multidict import CIMultiDictProxy

from ._installed import REAL


def check_jar(jar: Any) -> None:
    """Raise `TypeError` unless `jar` is a cookie jar of aiohttp, or `None`."""
    if jar is None:
        return
    if REAL is None or not isinstance(jar, REAL.abc.AbstractCookieJar):
        raise TypeError(f"cookie_jar must be an AbstractCookieJar, not {type(jar).__name__}")


def new_jar(cookies: Any) -> Any:
    """Make a jar with cookies that are sent to any host.

    Raises:
        AttributeError: aiohttp is not installed.
    """
    if REAL is None:
        raise AttributeError("a cookie jar needs aiohttp to be installed")
    jar = REAL.CookieJar()
    if cookies:
        jar.update_cookies(cookies)
    return jar


def cookies_for(jar: Any, url: str) -> Mapping[str, Any]:
    """Return the cookies of the jar for this URL."""
    found: Mapping[str, Any] = jar.filter_cookies(_http_url(url))
    return found


def keep_cookies(jar: Any, headers: CIMultiDictProxy[str], url: str) -> None:
    """Add the cookies that a response sets to the jar; those that cannot be parsed are left out."""
    for header in headers.getall("Set-Cookie", ()):
        try:
            jar.update_cookies(SimpleCookie(header), _http_url(url))
        except CookieError:
            continue


def _http_url(url: str) -> Any:
    """Return the URL as a jar knows it: with the scheme http or https."""
    where = importlib.import_module("yarl").URL(url)
    schemes = {"ws": "http", "wss": "https"}
    return where.with_scheme(schemes.get(where.scheme, where.scheme))
