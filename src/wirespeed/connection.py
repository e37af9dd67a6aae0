"""An open WebSocket: its closing handshake, Pings and JSON on top of the data path.

Must not know how a transport comes about. Public name: `WebSocketConnection`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import _backend
from ._arguments import check_bool, check_callable, check_limit, check_seconds, check_window
from ._phases import Phases, Timings
from ._rfc6455 import (
    DEFAULT_MAX_MESSAGE_BYTES,
    MAX_CLOSE_REASON_BYTES,
    MAX_CONTROL_PAYLOAD_BYTES,
    OPCODE_CLOSE,
    OPCODE_PING,
    CloseCode,
    is_sendable_close_code,
)
from .exceptions import ConnectionDisconnected, ProtocolError

if TYPE_CHECKING or not _backend.COMPILED:
    from ._channel import Channel, Message
else:
    from ._channel_c import Channel, Message

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ._response import Response

__all__ = ["Message", "WebSocketConnection"]

# A close that says that all is well, and so ends an iteration without an error.
_CLEAN_CLOSE_CODES = frozenset(
    {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RECEIVED}
)


class WebSocketConnection(Channel):
    """A connection to a WebSocket server; made by `wirespeed.connect`.

    It belongs to the thread of its event loop; a call from another thread raises
    `RuntimeError`. Iterating over it gives the data of each message, `str` or `bytes`, and
    ends at a clean close (1000, 1001, or without a code).
    """

    # Without a `__dict__` each call finds its method faster.
    __slots__ = (
        "_addresses",
        "_close_received",
        "_close_sent",
        "_close_timeout",
        "_deadline",
        "_dumps",
        "_fault",
        "_gone",
        "_is_lost",
        "_lost_cause",
        "_phases",
        "_pings",
        "_response",
        "_subprotocol",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        max_message_size: int | None = DEFAULT_MAX_MESSAGE_BYTES,
        max_queue: int | None = 4096,
        max_queue_bytes: int | None = DEFAULT_MAX_MESSAGE_BYTES,
        batch_window: float = 0.0,
        write_buffer_size: int | None = None,
        decode_text: bool = True,
        close_timeout: float | None = 10.0,
        loads: Callable[[Any], Any] = json.loads,
        dumps: Callable[[Any], str | bytes] = json.dumps,
    ) -> None:
        check_limit("max_queue", max_queue)
        check_limit("max_queue_bytes", max_queue_bytes)
        check_window("batch_window", batch_window)
        check_limit("write_buffer_size", write_buffer_size)
        check_seconds("close_timeout", close_timeout)
        check_bool("decode_text", decode_text)
        check_callable("loads", loads)
        check_callable("dumps", dumps)
        super().__init__(
            loop,
            _backend.MessageParser(max_message_size=max_message_size, decode_text=decode_text),
            _backend.FrameBuilder(),
            max_queue=max_queue,
            max_queue_bytes=max_queue_bytes,
            batch_window=batch_window,
            write_buffer_size=write_buffer_size,
            decode_text=decode_text,
            loads=loads,
        )
        self._dumps = dumps
        self._close_timeout = close_timeout
        self._deadline: asyncio.TimerHandle | None = None
        self._close_sent: tuple[int, str] | None = None
        self._close_received: tuple[int, str] | None = None
        self._fault: ProtocolError | None = None
        self._is_lost = False
        self._lost_cause: Exception | None = None
        self._gone: asyncio.Future[None] = loop.create_future()
        # Payload, answer and time of each Ping that is not answered, oldest first.
        self._pings: list[tuple[bytes, asyncio.Future[float], float]] = []
        self._response: Response | None = None
        self._subprotocol: str | None = None
        self._phases = Phases()
        # The local and the remote address: no transport tells them after the end.
        self._addresses: tuple[Any, Any] = (None, None)

    def __repr__(self) -> str:
        state = "closed" if self._is_lost else "closing" if self.closed else "open"
        return f"<{type(self).__name__} {state}>"

    # -- what was agreed ---------------------------------------------------------------

    @property
    def response(self) -> Response:
        """The server's response to the opening handshake, and the redirects before it."""
        if self._response is None:
            raise RuntimeError("the connection is not open")
        return self._response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose, `None` if it chose none (RFC 6455 section 1.9)."""
        return self._subprotocol

    # -- where it goes -----------------------------------------------------------------

    @property
    def timings(self) -> Timings:
        """How long each phase of the opening took, in seconds."""
        return self._phases.timings()

    @property
    def local_address(self) -> Any:
        """The socket's own address, also after the end: `(host, port, ...)`, or a unix path."""
        return self._addresses[0]

    @property
    def remote_address(self) -> Any:
        """The address that the socket is connected to, also after the end; that of a proxy."""
        return self._addresses[1]

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell something about the transport; never raises.

        Args:
            name: "socket", "sockname" or "peername", and with TLS also "ssl_object",
                "peercert" or "cipher", as for `asyncio.BaseTransport.get_extra_info`.
            default: what to return for anything unknown; after the end only the addresses
                are sure to be known.
        """
        if name in {"sockname", "peername"}:
            known = self._addresses[name == "peername"]
            return default if known is None else known
        try:
            return self._transport.get_extra_info(name, default)  # type: ignore[union-attr]
        except Exception:
            return default

    # -- sending -----------------------------------------------------------------------

    def send_json(self, value: Any) -> Coroutine[Any, Any, None]:
        """Send `value` as one text message, encoded with `dumps`; else as `send_text`.

        Raises:
            TypeError, ValueError: as `dumps` does; nothing was sent.
        """
        return self.send_text(self._dumps(value))

    async def send_many(self, messages: Iterable[str | Buffer]) -> None:
        """Send each of `messages`, `str` as text and bytes-like as binary, in few writes.

        Waits for room in the transport every 64 KiB or so. Cancelling it stops between
        two messages; those before are on their way.

        Raises:
            TypeError: one of them is neither; those before it are on their way.
            ConnectionDisconnected: the connection is closing or closed.
        """
        iterator = iter(messages)
        while (wait := self._send_some(iterator)) is not None:
            await wait

    async def ping(self, data: str | Buffer = b"") -> asyncio.Future[float]:
        """Send a Ping (RFC 6455 section 5.5.2).

        Returns:
            A future of the round trip in seconds. It need not be awaited; it fails with
            `ConnectionDisconnected` when the connection is lost before the answer.

        Args:
            data: the payload, at most 125 bytes.

        Raises:
            TypeError, ValueError: the payload cannot be sent.
            ConnectionDisconnected: the connection is closing or closed.
        """
        payload = data.encode() if isinstance(data, str) else bytes(memoryview(data))
        if len(payload) > MAX_CONTROL_PAYLOAD_BYTES:
            raise ValueError(
                f"ping payload is {len(payload)} bytes,"
                f" limit is {MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 section 5.5)"
            )
        sending = self._send_control(OPCODE_PING, payload)
        answer: asyncio.Future[float] = self._loop.create_future()
        self._pings.append((payload, answer, time.perf_counter()))
        await sending
        return answer

    def _on_pong(self, payload: bytes) -> None:
        """Answer the Pings up to the one with this payload (RFC 6455 section 5.5.3)."""
        matching = [index for index, ping in enumerate(self._pings) if ping[0] == payload]
        if not matching:
            return
        now = time.perf_counter()
        answered, self._pings = self._pings[: matching[0] + 1], self._pings[matching[0] + 1 :]
        for _, answer, sent_at in answered:
            if not answer.done():
                answer.set_result(now - sent_at)

    # -- closing -----------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether closing has begun, on either side; nothing more can be sent."""
        return self._sending_over

    @property
    def close_code(self) -> int | None:
        """The close code, `None` while the connection is open.

        What the server's Close frame said (1005: no code); else the code with which a
        malformed stream was answered; else 1006 for a connection lost without a Close frame.
        """
        if self._close_received is not None:
            return self._close_received[0]
        if self._fault is not None:
            return int(self._fault.close_code)
        return int(CloseCode.ABNORMAL_CLOSURE) if self._reading_over else None

    @property
    def close_reason(self) -> str | None:
        """The close reason that goes with `close_code`, `None` while the connection is open."""
        if self._close_received is not None:
            return self._close_received[1]
        if self._fault is not None:
            return str(self._fault)
        return "" if self._reading_over else None

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection with the closing handshake (RFC 6455 section 7.1.2).

        Returns when the transport is gone, after `close_timeout` seconds at the latest.
        What is received until then stays readable while the queue has room. Closing
        goes on if this is cancelled, and a second call waits for the first.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
            reason: at most 123 bytes in UTF-8.

        Raises:
            TypeError, ValueError: code or reason cannot be sent; nothing has changed.
        """
        self._require_own_thread()
        _check_close(code, reason)
        if not self._sending_over:
            self._discarding = True
            self._read_to_the_end()
            self._send_close(code, reason)
        self._start_deadline()
        await self._wait_gone()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        code = CloseCode.NORMAL_CLOSURE if exc_type is None else CloseCode.INTERNAL_ERROR
        await self.close(code)

    def _send_close(self, code: int, reason: str) -> None:
        """Send the Close frame; 1005 stands for one without a code."""
        payload = b""
        if code != CloseCode.NO_STATUS_RECEIVED:
            payload = code.to_bytes(2, "big") + reason.encode()[:MAX_CLOSE_REASON_BYTES]
        self._sending_over = True
        self._close_sent = (int(code), reason)
        self._outgoing.send(OPCODE_CLOSE, payload, True, False)
        self._outgoing.flush()

    def _start_deadline(self) -> None:
        """Abort after `close_timeout` seconds, whatever the peer does until then."""
        if self._deadline is None and not self._is_lost and self._close_timeout is not None:
            self._deadline = self._loop.call_later(self._close_timeout, self._abort)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _wait_gone(self) -> None:
        # Shielded: the future is shared by all who wait.
        await asyncio.shield(self._gone)

    # -- how it ends -------------------------------------------------------------------

    def _end_reading(self) -> None:
        """Let receives end after the messages that are queued, and closing take its time."""
        self._start_deadline()
        self._finish_receiving(self._end_of_messages)

    def _on_close_frame(self, code: int, reason: str) -> None:
        self._close_received = (code, reason)
        if not self._sending_over:
            self._send_close(code, reason)
        # The server closes the TCP connection first (RFC 6455 section 7.1.1).
        self._end_reading()

    def _on_fault(self, fault: ProtocolError) -> None:
        self._fault = fault
        if not self._sending_over:
            self._send_close(fault.close_code, str(fault))
        # Closing at once could reset the connection before the server has read our Close
        # frame; what it still sends is discarded until it closes, or the deadline.
        transport = self._transport
        if transport is not None and transport.can_write_eof() and not self._outgoing.is_paused():
            transport.write_eof()
        self._end_reading()

    def _on_eof(self) -> None:
        self._end_now()
        self._sending_over = True
        self._end_reading()

    def _on_lost(self, exc: Exception | None) -> None:
        self._end_now()
        self._is_lost = True
        self._lost_cause = exc
        self._sending_over = True
        self._outgoing.detach(self._disconnected)
        if not self._reading_over:
            self._end_reading()
        if self._deadline is not None:
            self._deadline.cancel()
        for _, answer, _ in self._pings:
            if not answer.done():
                answer.set_exception(self._disconnected())
                # Marked as seen: an answer that nobody waits for is no error to log.
                answer.exception()
        self._pings.clear()
        if not self._gone.done():
            self._gone.set_result(None)

    def _refuse_to_send(self) -> None:
        raise self._disconnected()

    def _end_of_messages(self, ends_iteration: bool) -> BaseException:
        """Make the error of a receive that comes after the last message."""
        if self._fault is not None:
            return type(self._fault)(*self._fault.args)
        if ends_iteration and self.close_code in _CLEAN_CLOSE_CODES:
            return StopAsyncIteration()
        return self._disconnected()

    def _disconnected(self) -> ConnectionDisconnected:
        code = self.close_code
        if code is None:
            text = "connection is closing"
        elif self._fault is not None:
            text = f"connection was closed with code {code} after an error: {self._fault}"
        elif self._close_received is not None:
            text = f"connection is closed with code {code}"
            text += f": {self.close_reason!r}" if self.close_reason else ""
        else:
            text = "connection was lost without a Close frame (RFC 6455 section 7.1.5)"
        error = ConnectionDisconnected(
            text,
            code=int(CloseCode.ABNORMAL_CLOSURE) if code is None else code,
            reason=self.close_reason or "",
            received=self._close_received,
            sent=self._close_sent,
        )
        error.__cause__ = self._fault or self._lost_cause
        return error


def _check_close(code: int, reason: str) -> None:
    if not isinstance(code, int):
        raise TypeError(f"close code must be an int, not {type(code).__name__}")
    if not isinstance(reason, str):
        raise TypeError(f"close reason must be a str, not {type(reason).__name__}")
    if not is_sendable_close_code(code):
        raise ValueError(f"close code {int(code)} must not be sent (RFC 6455 section 7.4)")
    size = len(reason.encode())
    if size > MAX_CLOSE_REASON_BYTES:
        raise ValueError(
            f"close reason is {size} bytes, limit is {MAX_CLOSE_REASON_BYTES}"
            " (RFC 6455 section 5.5)"
        )
