"""A client with the interface of aiosonic's `WebSocketClient`.

Does not open connections: it translates its arguments to those of `wirespeed.connect`.
Public names: `WebSocketClient`, and the names that programs import along with it. Connections are
like those of aiosonic 0.23, with two queues; with `queue_maxsize` they are like those of 0.24 and
later, with one.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import ssl as tls
import sys
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from multidict import CIMultiDict

from .. import connection as own
from .._base.rfc6455 import CloseCode
from .._codec import backend
from .._handshake.request import HeadersLike
from .._handshake.subprotocol import ProtocolHandler
from .._handshake.url import URLLike, parse_url
from .._lifecycle.closing import Closing, closing_of
from ..client import Connecting, connect
from ..exceptions import ConnectionDisconnected, ProtocolError, ReadTimeout
from .handshake_headers import offered, offers_compression, without_handshake

if TYPE_CHECKING or not backend.COMPILED:
    from .._channel.receive.one_queue import Message, MessageType, OneQueue
else:
    from .._channel_c.receive.one_queue import Message, MessageType, OneQueue

__all__ = [
    "ConnectionDisconnected",
    "Message",
    "MessageType",
    "ProtocolHandler",
    "ReadTimeout",
    "WebSocketClient",
    "WebSocketConnection",
]

_LANES: Final = ("text_queue_maxsize", "binary_queue_maxsize")
_CONNECTION_OPTIONS: Final = frozenset(
    {*_LANES, "queue_maxsize", "drop_frames", "protocol_handler"}
)
# `ping_interval` is called `keepalive_interval` here.
_CONNECT_OPTIONS: Final = inspect.signature(connect).parameters.keys() - {"url", "ping_interval"}


def _as_theirs(error: Exception) -> Exception:
    """Return an error that is also aiosonic's, if the program has imported aiosonic's errors."""
    theirs = sys.modules.get("aiosonic.exceptions")
    kind: Any = type(error)
    base = getattr(theirs, kind.__name__, None)
    if _is_too_big(error):
        base = getattr(theirs, "WebSocketMessageTooBig", base)
    if base is None:
        return error
    both = _both(kind, base)(*error.args)
    vars(both).update(vars(error))
    both.__cause__ = error.__cause__
    return both


@functools.cache
def _both(kind: type[Exception], base: type[Exception]) -> type[Exception]:
    return type(base.__name__, (kind, base), {"__module__": kind.__module__})


def _is_too_big(error: BaseException) -> bool:
    """Return whether the connection ended because a message was larger than allowed."""
    cause = error.__cause__
    return isinstance(cause, ProtocolError) and cause.close_code == CloseCode.MESSAGE_TOO_BIG


def _end(closing: Closing, ends_iteration: bool) -> Exception:
    """Make the error of each end: one that is also aiosonic's.

    Every end ends an iteration, but that by a message that was too large.
    """
    error = closing.described()
    if ends_iteration and not _is_too_big(error):
        return StopAsyncIteration()
    return _as_theirs(error)


async def _in_time(receiving: Any) -> Any:
    """Await a receive with a timeout; raise aiosonic's error if it is over."""
    try:
        return await receiving
    except ReadTimeout as exc:
        raise _as_theirs(exc) from exc.__cause__


class WebSocketConnection(own.WebSocketConnection):
    """A connection with two queues, for text and for binary messages."""

    __slots__ = ()

    def __init__(self, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(loop, **options)
        # As in aiosonic, a message that cannot be decoded has been taken.
        self._inbox._keeps_undecoded = False

    @property
    def connected(self) -> bool:
        """Whether something can be sent: neither side has closed the connection or lost it."""
        return self._transport is not None and not self.closed


class _OneQueue(WebSocketConnection):
    """A connection with one queue: a receive takes the next message, whatever its type."""

    __slots__ = ("_queue",)

    def __init__(self, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(loop, **options)
        self._queue = OneQueue(self._inbox)
        closing_of(self).make_end = _end

    def receive_text(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, which must be text.

        Safe to cancel.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            ReadTimeout: no message came in time.
            MessageTypeError: the next message is binary; it was taken. Also a `ValueError`.
            ConnectionDisconnected: the connection has ended, and all messages were taken.
        """
        receiving = self._queue.receive_text(timeout)
        return receiving if timeout is None else _in_time(receiving)

    def receive_bytes(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next message, which must be binary; otherwise like `receive_text`."""
        receiving = self._queue.receive_bytes(timeout)
        return receiving if timeout is None else _in_time(receiving)

    def receive_json(  # type: ignore[override]
        self, timeout: float | None = None
    ) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, which must be text, and decode it with `loads`."""
        receiving = self._queue.receive_json(timeout)
        return receiving if timeout is None else _in_time(receiving)

    def receive_pong(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for a Pong; otherwise like that of a connection with two queues."""
        return _in_time(super().receive_pong(timeout))

    def __aiter__(self) -> OneQueue:  # type: ignore[override]
        """Iterate over the messages until the connection ends, however it ends.

        Raises:
            ConnectionDisconnected: it ended because a message was too large.
        """
        return self._queue


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

    # The size of one queue, if the program asks for no queues; `None` for two queues.
    _queue_maxsize: int | None = None

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
                limit), or `queue_maxsize` for one queue as in aiosonic 0.24; `drop_frames`
                (`False`: a full queue pauses reading; `True`: messages that do not fit are dropped,
                and counted), `protocol_handler` (`None`).
            options: any other keyword argument of `wirespeed.connect`; it takes precedence over
                the defaults of this client. `max_msg_size` is `max_message_size`.

        Raises:
            TypeError: an option is unknown, or asks for one queue and for two.
            ValueError: a header of `headers` asks for something else than a WebSocket does.
            HandshakeError, OSError: raised when awaited; a `HandshakeError` is a `ConnectionError`,
                so also an `OSError`.
        """
        if "max_msg_size" in options:
            options["max_message_size"] = options.pop("max_msg_size")
        _check_options(options)
        kept = dict(conn_opts or {})
        unknown = sorted(kept.keys() - _CONNECTION_OPTIONS)
        if unknown:
            allowed = ", ".join(sorted(_CONNECTION_OPTIONS))
            raise TypeError(f"conn_opts has {', '.join(map(repr, unknown))}, allowed are {allowed}")
        if self._queue_maxsize is not None and kept.keys().isdisjoint(_LANES):
            kept.setdefault("queue_maxsize", self._queue_maxsize)
        has_one_queue = "queue_maxsize" in kept
        if has_one_queue and not kept.keys().isdisjoint(_LANES):
            raise TypeError("conn_opts has queue_maxsize, for one queue, and a size for two queues")
        for name in (*_LANES, "queue_maxsize"):
            # As in `asyncio.Queue`.
            if kept.get(name) == 0:
                kept[name] = sys.maxsize
        drop_frames = kept.pop("drop_frames", False)
        queues = (
            {"max_queue": kept.pop("queue_maxsize"), "create_connection": _OneQueue}
            if has_one_queue
            else {**dict.fromkeys(_LANES, 100), "create_connection": WebSocketConnection}
        )
        chosen: dict[str, Any] = {
            **queues,
            **({"overflow": "drop_newest"} if drop_frames else {}),
            **self._defaults,
            **kept,
            **options,
        }
        if ssl is not None or (not verify and parse_url(url).secure):
            chosen["ssl"] = False if ssl is None else ssl
        if subprotocols is not None:
            chosen["subprotocols"] = subprotocols
        if headers is not None:
            _add_headers(chosen, headers)
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


class OneQueueClient(WebSocketClient):
    """A client whose connections have one queue, as in aiosonic 0.24 and later."""

    _queue_maxsize = 100


def _add_headers(chosen: dict[str, Any], headers: HeadersLike) -> None:
    """Add the headers to the options; those of the handshake become other options."""
    said: CIMultiDict[str] = CIMultiDict(headers)
    chosen["headers"] = without_handshake(said)
    if "Sec-WebSocket-Protocol" in said:
        chosen["subprotocols"] = offered(chosen.get("subprotocols") or (), said)
    if offers_compression(said):
        chosen.setdefault("compression", "deflate")


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise `TypeError` for an option that is unknown or would be overwritten."""
    if "ping_interval" in options:
        raise TypeError("ping_interval is called keepalive_interval here, an argument of connect")
    unknown = sorted(options.keys() - _CONNECT_OPTIONS)
    if unknown:
        raise TypeError(f"wirespeed.connect has no argument {', '.join(map(repr, unknown))}")
