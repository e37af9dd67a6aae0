"""The arguments of `connect`, kept to open any number of connections with them.

Does not check the arguments: the module that uses one checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._handshake.request import Ask
from .._handshake.url import URLLike
from .._network.route import Route
from ..connection import WebSocketConnection


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """The arguments of `connect`, by the module that uses them.

    Attributes:
        url: the URL to connect to.
        ask: what the opening handshake asks for.
        route: the options for reaching the host.
        max_redirects: how many redirects to follow; 0 for none.
        open_timeout: seconds until the connection must be open; `None` for no limit.
        create_connection: makes the connection.
        options: the keyword arguments of `create_connection`.
    """

    url: URLLike
    ask: Ask
    route: Route
    max_redirects: int
    open_timeout: float | None
    create_connection: Callable[..., WebSocketConnection] = WebSocketConnection
    options: Mapping[str, Any]
