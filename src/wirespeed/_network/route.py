"""The caller's options for reaching the host of a URL, and their checks.

Does no I/O.
"""

from __future__ import annotations

import os
import socket
import ssl as tls
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

SocketOption: TypeAlias = tuple[int, int, int | bytes]
# The address family, and the address in that family's form.
Address: TypeAlias = tuple[int, Any]
# Finds the addresses of a host; its arguments are the host, the port, and the family or 0.
Resolve: TypeAlias = Callable[[str, int, int], Awaitable[Sequence[Address]]]

_FAMILIES = frozenset({0, socket.AF_INET, socket.AF_INET6})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Route:
    """The options for reaching the host of a URL.

    Attributes:
        ssl: the TLS context; `None` or `True` for a default one, `False` to verify nothing.
        server_hostname: the name to ask for and to verify in TLS; `None` for the URL's host.
        fingerprint: the SHA-256 fingerprint that the server's certificate must have.
        local_addr: host and port to connect from; `None` lets the system choose.
        family: the family of IP addresses to use; 0 for both.
        socket_options: options to set on each socket before it is connected.
        sock: a connected socket to use; the opening takes it over.
        unix_path: the unix socket to connect to instead of the host.
        proxy: the URL of a proxy; `True` for the environment's proxy; `None` for no proxy.
        proxy_ssl: the TLS context for a proxy with the scheme https; `None` for a default one.
        resolve: finds the addresses of the host, or of the proxy; `None` for the event loop's way.
        is_tls_optional: whether `ssl` and `fingerprint` may be given for a URL without TLS, where
            they have no effect.
    """

    ssl: tls.SSLContext | bool | None = None
    server_hostname: str | None = None
    fingerprint: bytes | str | None = None
    local_addr: tuple[str, int] | None = None
    family: int = 0
    socket_options: tuple[SocketOption, ...] = ()
    sock: socket.socket | None = None
    unix_path: str | bytes | os.PathLike[str] | None = None
    proxy: str | bool | None = None
    proxy_ssl: tls.SSLContext | None = None
    resolve: Resolve | None = None
    is_tls_optional: bool = False


def shown_place(host: str, port: int) -> str:
    """Return a host and a port as they appear in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_route(route: Route) -> None:
    """Check that the options can be used, and that they can be used together.

    The TLS options are checked elsewhere, where the URL is known.

    Raises:
        TypeError: an option is of the wrong type.
        ValueError: the value of an option cannot be used, or two options exclude each other.
    """
    if route.family not in _FAMILIES:
        raise ValueError(f"family must be AF_INET, AF_INET6 or 0, not {route.family!r}")
    if route.socket_options:
        for option in route.socket_options:
            _check_option(option)
    if route.local_addr is not None:
        _check_address(route.local_addr)
    if route.sock is not None:
        _check_socket(route.sock)
        _check_alone("sock", route, "proxy", "unix_path", "local_addr", "family", "socket_options")
    if route.unix_path is not None:
        _check_path(route.unix_path)
        _check_alone("unix_path", route, "proxy", "local_addr", "family")


def _check_alone(name: str, route: Route, *others: str) -> None:
    for other in others:
        if getattr(route, other):
            raise ValueError(f"{name} and {other} exclude each other")


def _check_option(option: Any) -> None:
    if not isinstance(option, tuple) or len(option) != 3:
        raise TypeError("socket_options must be tuples of level, name and value")
    level, name, value = option
    if not (isinstance(level, int) and isinstance(name, int) and isinstance(value, int | bytes)):
        raise TypeError("level and name of a socket option must be int, its value int or bytes")


def _check_address(address: Any) -> None:
    if not isinstance(address, tuple) or len(address) != 2:
        raise TypeError("local_addr must be a tuple of host and port")
    host, port = address
    if not isinstance(host, str) or isinstance(port, bool) or not isinstance(port, int):
        raise TypeError("the host of local_addr must be str, its port int")
    if not 0 <= port <= 65535:
        raise ValueError(f"the port of local_addr is {port}, 0 to 65535 is allowed")


def _check_socket(sock: Any) -> None:
    if not isinstance(sock, socket.socket):
        raise TypeError(f"sock must be a socket.socket or None, not {type(sock).__name__}")
    if isinstance(sock, tls.SSLSocket):
        raise TypeError("sock must not be an ssl.SSLSocket: TLS is started on it")
    if sock.fileno() == -1:
        raise ValueError("sock is closed, or was used for a connection before")
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f"sock must be of the type SOCK_STREAM, not {sock.type.name}")


def _check_path(path: Any) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"unix_path must be a path or None, not {type(path).__name__}")
    if not hasattr(socket, "AF_UNIX"):
        raise ValueError("unix_path is given, but this system has no unix sockets")
