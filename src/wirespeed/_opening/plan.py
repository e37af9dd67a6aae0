"""What the caller of `connect` asked for, ready to open any number of connections with.

Knows nothing of event loops; each part is checked by the module that uses it.
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
