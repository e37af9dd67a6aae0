"""A client that opens connections with the same settings, in the manner of aiosonic's.

Must not know how a connection is opened; it says in `connect`'s words what is wanted.
Public names: `WebSocketClient`, and those that programs import beside it.
"""

from __future__ import annotations

import inspect
import ssl as tls
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from .._handshake.request import HeadersLike
from .._handshake.subprotocol import ProtocolHandler
from .._handshake.url import URLLike, parse_url
from ..client import Connecting, connect
from ..connection import WebSocketConnection
from ..exceptions import ConnectionDisconnected, ReadTimeout

__all__ = [
    "ConnectionDisconnected",
    "ProtocolHandler",
    "ReadTimeout",
    "WebSocketClient",
    "WebSocketConnection",
]

_CONNECTION_OPTIONS: Final = frozenset(
    {"text_queue_maxsize", "binary_queue_maxsize", "drop_frames", "protocol_handler"}
)
# The interval of Pings has a name of its own here.
_CONNECT_OPTIONS: Final = inspect.signature(connect).parameters.keys() - {"url", "ping_interval"}


class WebSocketClient:
    """Opens connections with the same settings.

    Its connections keep text and binary messages in two queues, so that one task can wait in
    `receive_text` and another in `receive_bytes`.

    Args:
        connector: always `None`: there is no pool of connections to share.
        defaults: any keyword arguments of `wirespeed.connect`, for all connections of this
            client.

    Raises:
        TypeError: a connector is given, or `wirespeed.connect` has no such argument.
    """

    def __init__(self, connector: None = None, **defaults: Any) -> None:
        if connector is not None:
            raise TypeError(f"connector must be None, not {type(connector).__name__}")
        _check_options(defaults)
        self._defaults = defaults

    def connect(  # noqa: PLR0917  # positions that programs rely on
        self,
        url: URLLike,
        verify: bool = True,
        ssl: tls.SSLContext | None = None,
        headers: HeadersLike | None = None,
        subprotocols: Sequence[str] | None = None,
        start_keepalive: bool = True,
        keepalive_interval: float = 30.0,
        conn_opts: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Connecting:
        """Open a connection: await the result, or enter it. Safe to cancel, as `connect` is.

        Args:
            url: as for `wirespeed.connect`.
            verify: `False` accepts any certificate, with a warning; an `ssl` context decides
                for itself.
            ssl: the TLS context for wss; `None` for a default one.
            headers: to add to the request.
            subprotocols: to offer, in order of preference; the name of the protocol handler is
                added at the end.
            start_keepalive: whether to send Pings, and fail when nothing at all comes back.
            keepalive_interval: in seconds.
            conn_opts: `text_queue_maxsize` and `binary_queue_maxsize` (100 messages each, 0 for no
                limit), `drop_frames` (`False`: a full queue holds reading back; `True`: messages
                that do not fit are dropped, and counted), `protocol_handler` (`None`).
            options: any other keyword argument of `wirespeed.connect`, before the defaults of
                this client.

        Raises:
            TypeError: an option is unknown.
            HandshakeError, OSError: when awaited; both are `ConnectionError` or `OSError`.
        """
        _check_options(options)
        kept = dict(conn_opts or {})
        unknown = sorted(kept.keys() - _CONNECTION_OPTIONS)
        if unknown:
            allowed = ", ".join(sorted(_CONNECTION_OPTIONS))
            raise TypeError(f"conn_opts has {', '.join(map(repr, unknown))}, allowed are {allowed}")
        for name in ("text_queue_maxsize", "binary_queue_maxsize"):
            # As in `asyncio.Queue`.
            if kept.get(name) == 0:
                kept[name] = sys.maxsize
        drop_frames = kept.pop("drop_frames", False)
        chosen: dict[str, Any] = {
            "text_queue_maxsize": 100,
            "binary_queue_maxsize": 100,
            **({"overflow": "drop_newest"} if drop_frames else {}),
            **self._defaults,
            **kept,
            **options,
        }
        if ssl is not None or (not verify and parse_url(url).secure):
            chosen["ssl"] = False if ssl is None else ssl
        if headers is not None:
            chosen["headers"] = headers
        if subprotocols is not None:
            chosen["subprotocols"] = subprotocols
        chosen["ping_interval"] = keepalive_interval if start_keepalive else None
        return connect(url, **chosen)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Do nothing: each connection is closed by who opened it."""


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse what would be unknown, or ignored."""
    if "ping_interval" in options:
        raise TypeError("ping_interval is called keepalive_interval here, an argument of connect")
    unknown = sorted(options.keys() - _CONNECT_OPTIONS)
    if unknown:
        raise TypeError(f"wirespeed.connect has no argument {', '.join(map(repr, unknown))}")
