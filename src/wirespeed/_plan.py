"""What the caller of `connect` asked for, ready to open any number of connections with.

Knows nothing of event loops; each part is checked by the module that uses it.
"""

from __future__ import annotations

import os
import socket
import ssl as tls
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ._request import Ask
from ._url import URLLike
from .connection import WebSocketConnection

SocketOption: TypeAlias = tuple[int, int, int | bytes]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Route:
    """How the host of a URL is reached.

    Attributes:
        ssl: the TLS context; `None` or `True` for a default one, `False` to verify nothing.
        server_hostname: the name to ask for and to verify in TLS; `None` for the URL's host.
        fingerprint: the SHA-256 fingerprint that the server's certificate must have.
        local_addr: host and port to connect from; `None` for what the system chooses.
        family: the family of IP addresses to use; 0 for both.
        socket_options: what to set on each socket before it is connected.
        sock: a connected socket to use; it belongs to the opening.
        unix_path: the unix socket to connect to instead of the host.
        proxy: the URL of the proxy to go through, `True` for that of the environment, `None` for
            none.
        proxy_ssl: the TLS context for a proxy with the scheme https; `None` for a default one.
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """All of it.

    Attributes:
        url: where to.
        ask: what to say there.
        route: how to get there.
        max_redirects: how many redirects to follow; 0 for none.
        open_timeout: seconds until the connection must be open; `None` for no limit.
        create_connection: makes the connection.
        options: its keyword arguments.
    """

    url: URLLike
    ask: Ask
    route: Route
    max_redirects: int
    open_timeout: float | None
    create_connection: Callable[..., WebSocketConnection] = WebSocketConnection
    options: Mapping[str, Any]
