"""Chooses the proxy: parses a proxy's URL, or finds one in the environment.

Does no I/O with a proxy. No error text and no repr holds a user name or a password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .._handshake.url import URL, check_characters, parse_authority
from ..exceptions import InvalidURL

_DEFAULT_PORTS: Final = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}
_SCHEMES: Final = "http, https, socks4, socks4a, socks5 or socks5h"
_PROXY_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)(.*)")
_MAX_SOCKS5_CHARACTERS: Final = 255

# The environment's names for a proxy, by `URL.secure`; the first one that is set counts.
_VARIABLES: Final = {False: ("ws", "http", "socks", "all"), True: ("wss", "https", "socks", "all")}


@dataclass(frozen=True, slots=True, repr=False)
class Proxy:
    """The parts of a proxy's URL.

    Attributes:
        scheme: http, https, socks4, socks4a, socks5 or socks5h.
        host: as in `URL`.
        port: the port; by default 80 for http, 443 for https and 1080 for SOCKS.
        userinfo: user name and password, percent-decoded; `None` if the URL has none.
    """

    scheme: str
    host: str
    port: int
    userinfo: tuple[str, str] | None = None

    def __str__(self) -> str:
        """Return the URL without user name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Proxy('{self}')"


def choose_proxy(proxy: str | bool | None, url: URL) -> Proxy | None:
    """Return the proxy for the host of `url`, or `None` to connect directly.

    Args:
        proxy: the argument `proxy` of `connect`.
        url: the URL to connect to.

    Raises:
        TypeError: `proxy` is neither a `str` nor `True` nor `None`.
        InvalidURL: the proxy's URL cannot be used.
    """
    if proxy is None:
        return None
    if isinstance(proxy, str):
        return _parse_proxy(proxy)
    if proxy is not True:
        given = repr(proxy) if isinstance(proxy, bool) else type(proxy).__name__
        raise TypeError(f"proxy must be a str, True or None, not {given}")
    found = _from_environment(url)
    if found is None:
        return None
    variable, text = found
    try:
        return _parse_proxy(text)
    except InvalidURL as exc:
        raise InvalidURL(f"{exc}; it comes from {variable}_proxy of the environment") from None


def _from_environment(url: URL) -> tuple[str, str] | None:
    """Return the environment's name for the proxy of `url`, and its URL; `None` without one."""
    # Imported lazily: the import takes 13 ms.
    from urllib.request import getproxies  # noqa: PLC0415

    proxies = getproxies()
    variable = next((name for name in _VARIABLES[url.secure] if proxies.get(name)), None)
    if variable is None or _is_exempt(url):
        return None
    text = proxies[variable]
    if "://" not in text:
        text = f"http://{text}"
    if variable == "socks" and text.startswith("http://"):
        # urllib returns the system's SOCKS proxy on macOS with the scheme http.
        text = f"socks5h://{text.removeprefix('http://')}"
    return variable, text


def _is_exempt(url: URL) -> bool:
    """Return whether NO_PROXY names the host, with or without its port."""
    from urllib.request import getproxies_environment, proxy_bypass  # noqa: PLC0415

    items = re.split(r"[,\s]+", getproxies_environment().get("no", ""))
    if any(_covers(item, url.host) for item in items):
        return True
    if ":" not in url.host:
        return bool(proxy_bypass(f"{url.host}:{url.port}"))
    forms = (url.host, f"[{url.host}]", f"[{url.host}]:{url.port}")
    return any(proxy_bypass(form) for form in forms)


def _covers(item: str, host: str) -> bool:
    """Return whether an item of NO_PROXY is for `host`, where urllib would not see it.

    urllib compares text only. curl also knows networks, any spelling of an IPv6 address, and names
    with a trailing dot.
    """
    # Imported lazily, as few connections need it.
    import ipaddress  # noqa: PLC0415

    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        name, suffix = host.rstrip("."), item.lower().strip(".")
        return bool(suffix) and f".{name}".endswith(f".{suffix}")
    try:
        return address in ipaddress.ip_network(re.sub(r"[][]", "", item), strict=False)
    except ValueError:
        return False


def _parse_proxy(text: str) -> Proxy:
    try:
        return _take_apart(text)
    except InvalidURL as exc:
        raise InvalidURL(f"proxy: {exc}") from None


def _take_apart(text: str) -> Proxy:
    check_characters(text)
    match = _PROXY_URL.fullmatch(text)
    if match is None:
        raise InvalidURL(f"url has no scheme, it must begin with that: {_SCHEMES}")
    scheme, authority, rest = match[1].lower(), match[2], match[3]
    default_port = _DEFAULT_PORTS.get(scheme)
    if default_port is None:
        raise InvalidURL(f"url has the scheme {match[1][:32]!r}, {_SCHEMES} is required")
    if rest not in ("", "/"):
        raise InvalidURL(
            "url has a path, a query or a fragment, which mean nothing to a proxy;"
            " in a password '/', '?' and '#' are written %2F, %3F and %23 (RFC 3986 section 2.2)"
        )
    host, port, userinfo = parse_authority(authority, default_port)
    if userinfo is not None and scheme.startswith("socks"):
        _check_socks_credentials(scheme, *userinfo)
    return Proxy(scheme, host, port, userinfo)


def _check_socks_credentials(scheme: str, user: str, password: str) -> None:
    if not (user + password).isascii():
        raise InvalidURL("user name or password is not ASCII, which SOCKS requires")
    if scheme in ("socks4", "socks4a"):
        return
    if not all(0 < len(part) <= _MAX_SOCKS5_CHARACTERS for part in (user, password)):
        raise InvalidURL(
            f"user name and password must be 1 to {_MAX_SOCKS5_CHARACTERS} characters each"
            " (RFC 1929 section 2)"
        )
