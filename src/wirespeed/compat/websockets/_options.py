"""Translates the parameters of `connect` to those of `wirespeed.connect`.

Does not open connections.
"""

from __future__ import annotations

import math
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict

from ..._base.compression import Deflate
from ..._base.version import __version__
from ..handshake_headers import offered, without_handshake
from . import _types as theirs

if TYPE_CHECKING:
    from ._connection import ClientConnection

USER_AGENT: Final = f"wirespeed/{__version__}"

_PROXY_SCHEMES: Final = frozenset({"socks5h", "socks5", "socks4a", "socks4", "https", "http"})
# What is passed on as it is.
_ROUTE: Final = {
    "sock": "sock",
    "local_addr": "local_addr",
    "family": "family",
    "server_hostname": "server_hostname",
    "proxy_ssl": "proxy_ssl",
    "path": "unix_path",
}
# `open_timeout` and `close_timeout` limit these as well; addresses are always tried in parallel.
_COVERED: Final = frozenset(
    {
        "all_errors",
        "flags",
        "happy_eyeballs_delay",
        "interleave",
        "proto",
        "ssl_handshake_timeout",
        "ssl_shutdown_timeout",
    }
)
_TRANSLATED: Final = frozenset({"host", "port", "ssl", "unix"})


def check_keywords(kwargs: Mapping[str, Any], uri: theirs.WebSocketURI) -> None:
    """Check the keywords that `websockets` passes to `loop.create_connection`.

    Raises:
        TypeError: a keyword is unknown.
        ValueError: `ssl` and the scheme of the URI contradict each other.
    """
    known = _COVERED | _TRANSLATED | _ROUTE.keys()
    for name in kwargs:
        if name not in known:
            raise TypeError(f"connect() got an unexpected keyword argument {name!r}")
    if not uri.secure and kwargs.get("ssl") is not None:
        raise ValueError("ssl argument is incompatible with a ws:// URI")


def connection_options(connection: ClientConnection) -> dict[str, Any]:
    """Return the options of an open connection."""
    protocol = connection.protocol
    return {
        "max_message_size": protocol.max_message_size,
        "max_queue": _high(connection.max_queue),
        "write_buffer_size": _high(connection.write_limit),
        "ping_interval": time_limit(connection.ping_interval),
        "ping_timeout": time_limit(connection.ping_timeout),
        "close_timeout": time_limit(connection.close_timeout),
        "subprotocols": protocol.available_subprotocols or None,
        "compression": _deflate(protocol.available_extensions),
    }


def time_limit(seconds: float | None) -> float | None:
    """Return a limit as `wirespeed.connect` takes it: `None`, not infinity, for no limit."""
    return None if seconds == math.inf else seconds


def _high(limit: Any) -> int | None:
    """Return the upper limit of a pair; the lower one has no counterpart."""
    high, low = limit if isinstance(limit, tuple) else (limit, None)
    if high is None and low is not None:
        high = 4 * low
    if low is not None and low < 0:
        raise ValueError("low must be positive or equal to zero")
    if low is not None and high < low:
        raise ValueError("high must be greater than or equal to low")
    return high if high is None else int(high)


DEFAULT_DEFLATE: Final = object()


def offered_extensions(
    extensions: Sequence[Any] | None, compression: str | None
) -> Sequence[Any] | None:
    """Return the extensions to offer.

    Raises:
        ValueError: `compression` is neither "deflate" nor `None`.
    """
    if compression is None:
        return extensions
    if compression != "deflate":
        raise ValueError(f"unsupported compression: {compression}")
    given = list(extensions or ())
    if any(getattr(one, "name", None) == "permessage-deflate" for one in given):
        return given
    return [*given, DEFAULT_DEFLATE]


def _deflate(extensions: Sequence[Any] | None) -> Deflate | None:
    """Return the settings of the offered permessage-deflate; `None` if it is not offered."""
    found: Deflate | None = None
    for extension in extensions or ():
        if extension is DEFAULT_DEFLATE:
            found = found or Deflate(mem_level=5)
        elif getattr(extension, "name", None) == "permessage-deflate":
            settings = getattr(extension, "compress_settings", None) or {}
            bits = extension.client_max_window_bits
            found = Deflate(
                server_max_window_bits=extension.server_max_window_bits,
                client_max_window_bits=None if bits is True else bits,
                server_no_context_takeover=extension.server_no_context_takeover,
                client_no_context_takeover=extension.client_no_context_takeover,
                level=settings.get("level", -1),
                mem_level=settings.get("memLevel", 8),
            )
        else:
            raise ValueError("extensions can have permessage-deflate only")
    return found


def route_options(kwargs: Mapping[str, Any], uri: theirs.WebSocketURI) -> dict[str, Any]:
    """Return the options for reaching the server."""
    options = {ours: kwargs[name] for name, ours in _ROUTE.items() if kwargs.get(name) is not None}
    if options.get("proxy_ssl") is True:
        del options["proxy_ssl"]
    if uri.secure:
        tls = kwargs.get("ssl", True)
        if tls is None:
            raise ValueError("ssl=None is incompatible with a wss:// URI")
        options["ssl"] = tls
        if kwargs.get("host") is not None:
            options.setdefault("server_hostname", uri.host)
    return options


def place_of(uri: theirs.WebSocketURI, kwargs: Mapping[str, Any]) -> str:
    """Return the URL to connect to, without user name; `host` and `port` replace the URI's."""
    host = kwargs.get("host") or uri.host
    port = kwargs.get("port") or uri.port
    scheme = "wss" if uri.secure else "ws"
    return f"{scheme}://{_bracketed(host)}:{port}{uri.resource_name}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def host_header(uri: theirs.WebSocketURI) -> str:
    """Return the value of the header Host."""
    host = _bracketed(uri.host)
    return host if uri.port == (443 if uri.secure else 80) else f"{host}:{uri.port}"


def request_options(
    uri: theirs.WebSocketURI,
    additional_headers: Any,
    *,
    user_agent: str | None,
    origin: str | None,
    subprotocols: Sequence[str] | None,
) -> dict[str, Any]:
    """Return the options for the request.

    A header that the program gives replaces one that a parameter or the URI would make.

    Raises:
        ValueError: a header asks for another opening handshake.
    """
    given: CIMultiDict[str] = CIMultiDict(header_pairs(additional_headers))
    headers = without_handshake(given)
    headers.setdefault("Host", host_header(uri))
    return {
        "headers": headers,
        "user_agent": None if "User-Agent" in headers else user_agent,
        "origin": None if "Origin" in headers else origin,
        "auth": None if "Authorization" in headers else uri.user_info,
        "subprotocols": offered(subprotocols or (), given) or None,
    }


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    """Return headers, given in any way that `websockets` accepts, as pairs of `str`."""
    if headers is None:
        return []
    if hasattr(headers, "raw_items"):
        headers = headers.raw_items()
    elif isinstance(headers, Mapping):
        headers = headers.items()
    elif hasattr(headers, "keys"):
        headers = [(name, headers[name]) for name in headers.keys()]  # noqa: SIM118
    return [(str(name), str(value)) for name, value in headers]


def check_subprotocols(subprotocols: Iterable[str] | None) -> None:
    """Raise `TypeError` if the subprotocols are not a sequence of `str`."""
    if subprotocols is None:
        return
    if not isinstance(subprotocols, Sequence):
        raise TypeError("subprotocols must be a list")
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a list, not a str")


def chosen_proxy(
    proxy: str | bool | None, uri: theirs.WebSocketURI, kwargs: Mapping[str, Any]
) -> str | None:
    """Return the URL of the proxy to use; `None` to connect directly.

    Raises:
        InvalidProxy: the proxy cannot be used.
    """
    if not proxy or kwargs.get("unix") or kwargs.get("sock") is not None:
        return None
    found = _environment_proxy(uri) if proxy is True else proxy
    if found is not None:
        _check_proxy(str(found))
        _check_proxy_ssl(str(found), kwargs)
    return None if found is None else str(found)


def _check_proxy_ssl(proxy: str, kwargs: Mapping[str, Any]) -> None:
    is_https = urllib.parse.urlparse(proxy).scheme == "https"
    if is_https and kwargs.get("proxy_ssl", True) is None:
        raise ValueError("proxy_ssl=None is incompatible with an https:// proxy")
    if not is_https and kwargs.get("proxy_ssl") is not None:
        raise ValueError("proxy_ssl argument is incompatible with an http:// proxy")


def _environment_proxy(uri: theirs.WebSocketURI) -> str | None:
    proxies = urllib.request.getproxies()
    names = ("wss", "socks", "https") if uri.secure else ("ws", "socks", "https", "http")
    name = next((name for name in names if proxies.get(name)), None)
    if name is None or urllib.request.proxy_bypass(f"{uri.host}:{uri.port}"):
        return None
    found = proxies[name]
    # macOS tells of its SOCKS proxy with the scheme http.
    is_socks = name == "socks" and found.startswith("http://")
    return f"socks5h://{found.removeprefix('http://')}" if is_socks else found


def _check_proxy(proxy: str) -> None:
    parts = urllib.parse.urlparse(proxy)
    fault = None
    if parts.scheme not in _PROXY_SCHEMES:
        fault = f"scheme {parts.scheme} isn't supported"
    elif parts.hostname is None:
        fault = "hostname isn't provided"
    elif parts.path not in {"", "/"}:
        fault = "path is meaningless"
    elif parts.query:
        fault = "query is meaningless"
    elif parts.fragment:
        fault = "fragment is meaningless"
    elif parts.username is not None and parts.password is None:
        fault = "username provided without password"
    if fault is not None:
        raise theirs.InvalidProxy(proxy, fault)
