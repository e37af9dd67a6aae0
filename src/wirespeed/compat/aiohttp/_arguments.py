"""Checks of the arguments that have types of `aiohttp`: credentials, connectors, TLS.

Does not open connections.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from typing import Any, Final

from . import _names
from ._names import ClientTimeout, ClientWSTimeout, Fingerprint

TOTAL_SECONDS: Final = 300.0
DEFAULT_TIMEOUT: Final = ClientWSTimeout(ws_close=10.0)


class BasicAuth(_names.BasicAuth):
    """User name and password (RFC 7617), with a text that does not show them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def check_auth(name: str, auth: object) -> None:
    """Raise `TypeError` unless `auth` is a `BasicAuth` or `None`."""
    if auth is not None and not isinstance(auth, _names.BasicAuth):
        raise TypeError(f"{name} must be a BasicAuth or None, not {type(auth).__name__}")


def open_seconds(timeout: Any) -> float | None:
    """Return the seconds for the whole opening; `None` for no limit."""
    if not isinstance(timeout, ClientTimeout):
        raise TypeError(f"timeout must be a ClientTimeout, not {type(timeout).__name__}")
    given = (timeout.total, timeout.connect, timeout.sock_connect)
    return next((seconds for seconds in given if seconds), None)


def check_loop(loop: object) -> None:
    """Raise `ValueError` unless `loop` is the running event loop or `None`."""
    if loop is not None and loop is not asyncio.get_running_loop():
        raise ValueError("loop must be None or the running event loop")


def check_ssl(ssl: object) -> None:
    """Raise `TypeError` unless `ssl` is an `SSLContext`, a `bool` or a `Fingerprint`."""
    if not isinstance(ssl, tls.SSLContext | bool | Fingerprint):
        raise TypeError(f"ssl should be SSLContext, bool or Fingerprint, not {type(ssl).__name__}")


def merged_ssl(
    ssl: Any, verify_ssl: bool | None, fingerprint: bytes | None, ssl_context: Any
) -> tls.SSLContext | bool | Fingerprint:
    """Combine the four TLS parameters into one; the caller may set at most one of them."""
    ssl = True if ssl is None else ssl
    check_ssl(ssl)
    given: list[tls.SSLContext | bool | Fingerprint] = [] if ssl is True else [ssl]
    if ssl_context is not None:
        check_ssl(ssl_context)
        given.append(ssl_context)
    if fingerprint is not None:
        given.append(Fingerprint(fingerprint))
    if verify_ssl is not None and not verify_ssl:
        given.append(False)
    if len(given) > 1:
        raise ValueError("only one of ssl, verify_ssl, fingerprint and ssl_context may be given")
    return given[0] if given else True


def unverified() -> tls.SSLContext:
    """Make a context that verifies neither certificates nor host names."""
    context = tls.create_default_context()
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    return context
