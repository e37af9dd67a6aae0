"""A client with the interface of aiosonic's `WebSocketClient`.

Does not open connections: it translates its arguments to those of `wirespeed.connect`.
Public names: `WebSocketClient`, and the names that programs import along with it.
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
# `ping_interval` is called `keepalive_interval` here.
_CONNECT_OPTIONS: Final = inspect.signature(connect).parameters.keys() - {"url", "ping_interval"}


class WebSocketClient:
    """Opens connections with the same settings.

    Its connections keep text and binary messages in two queues, so that one task can wait in
    `receive_text` and another in `receive_bytes`.

    Args:
        connector: always `None`: there is no pool of connections to share.
        defaults: keyword arguments of `wirespeed.connect` for all connections of this client: any
            but `ping_interval`, for which `connect` has `keepalive_interval`.

    Raises:
        TypeError: a connector is given, or an argument cannot be a default.
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
        """Open a connection; use the result with `await` or `async with`.

        Safe to cancel, like `wirespeed.connect`.

        Args:
            url: as for `wirespeed.connect`.
            verify: `False` accepts any certificate, with a warning; it has no effect if `ssl` is
                given.
            ssl: the TLS context for wss; `None` for a default one.
            headers: headers to add to the request.
            subprotocols: subprotocols to offer, in order of preference; the name of the protocol
                handler is added at the end.
            start_keepalive: whether to send Pings, and fail if nothing at all comes back.
            keepalive_interval: seconds between two Pings.
            conn_opts: `text_queue_maxsize` and `binary_queue_maxsize` (100 messages each, 0 for no
                limit), `drop_frames` (`False`: a full queue pauses reading; `True`: messages
                that do not fit are dropped, and counted), `protocol_handler` (`None`).
            options: any other keyword argument of `wirespeed.connect`; it takes precedence over
                the defaults of this client.

        Raises:
            TypeError: an option is unknown.
            HandshakeError, OSError: raised when awaited; a `HandshakeError` is a `ConnectionError`,
                so also an `OSError`.
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
        """Do nothing: the program closes each connection itself."""


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise `TypeError` for an option that is unknown or would be overwritten."""
    if "ping_interval" in options:
        raise TypeError("ping_interval is called keepalive_interval here, an argument of connect")
    unknown = sorted(options.keys() - _CONNECT_OPTIONS)
    if unknown:
        raise TypeError(f"wirespeed.connect has no argument {', '.join(map(repr, unknown))}")
