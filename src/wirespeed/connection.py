"""An open WebSocket: JSON, Pings and what watches over the peer, on top of the data path.

Must not know how a transport comes about. Public name: `WebSocketConnection`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Hashable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ._base.arguments import check_bool, check_callable, check_interval, check_limit, check_window
from ._base.latency import Latency, measured
from ._base.queue_rules import Overflow, QueueRules
from ._base.rfc6455 import (
    DEFAULT_MAX_MESSAGE_BYTES,
    MAX_CONTROL_PAYLOAD_BYTES,
    OPCODE_BINARY,
    OPCODE_CLOSE,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
    CloseCode,
)
from ._base.stats import Stats
from ._base.timings import Phases, Timings
from ._codec import backend
from ._handshake.subprotocol import ProtocolHandler
from ._lifecycle.closing import ClosingChannel
from ._lifecycle.heartbeat import Heart, Heartbeat
from ._lifecycle.idle import IdleWatch
from ._lifecycle.keep_alive import KeepAlive
from ._lifecycle.pings import Pings

if TYPE_CHECKING or not backend.COMPILED:
    from ._channel import Message, MessageStream
else:
    from ._channel_c import Message, MessageStream

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ._base.compression import Deflate
    from ._base.response import Response

__all__ = ["Heartbeat", "Message", "MessageStream", "WebSocketConnection"]


class WebSocketConnection(ClosingChannel):
    """A connection to a WebSocket server; made by `wirespeed.connect`.

    It belongs to the thread of its event loop; a call from another thread raises
    `RuntimeError`. Iterating over it gives the data of each message, `str` or `bytes`, and
    ends at a clean close (1000, 1001, or without a code).
    """

    OPCODE_TEXT = OPCODE_TEXT
    OPCODE_BINARY = OPCODE_BINARY
    OPCODE_CLOSE = OPCODE_CLOSE
    OPCODE_PING = OPCODE_PING
    OPCODE_PONG = OPCODE_PONG

    # Without a `__dict__` each call finds its method faster.
    __slots__ = (
        "_compression",
        "_dumps",
        "_heartbeat",
        "_idle_timeout",
        "_keep_alive",
        "_local_address",
        "_phases",
        "_ping_interval",
        "_ping_timeout",
        "_pings",
        "_protocol_handler",
        "_remote_address",
        "_response",
        "_subprotocol",
        "_watches",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        max_message_size: int | None = DEFAULT_MAX_MESSAGE_BYTES,
        max_queue: int | None = 4096,
        max_queue_bytes: int | None = DEFAULT_MAX_MESSAGE_BYTES,
        overflow: Overflow = "pause",
        conflate: Callable[[Message], Hashable] | None = None,
        on_drop: Callable[[Message], object] | None = None,
        text_queue_maxsize: int | None = None,
        binary_queue_maxsize: int | None = None,
        batch_window: float = 0.0,
        write_buffer_size: int | None = None,
        decode_text: bool = True,
        timestamps: bool = False,
        close_timeout: float | None = 10.0,
        ping_interval: float | None = 20.0,
        ping_timeout: float | None = 20.0,
        heartbeat: Heartbeat | None = None,
        idle_timeout: float | None = None,
        protocol_handler: ProtocolHandler | None = None,
        loads: Callable[[Any], Any] = json.loads,
        dumps: Callable[[Any], str | bytes] = json.dumps,
    ) -> None:
        check_window("batch_window", batch_window)
        check_limit("write_buffer_size", write_buffer_size)
        check_interval("ping_interval", ping_interval)
        check_interval("ping_timeout", ping_timeout)
        check_interval("idle_timeout", idle_timeout)
        if heartbeat is not None and not isinstance(heartbeat, Heartbeat):
            raise TypeError(f"heartbeat must be a Heartbeat, not {type(heartbeat).__name__}")
        check_bool("decode_text", decode_text)
        check_callable("loads", loads)
        check_callable("dumps", dumps)
        super().__init__(
            loop,
            backend.MessageParser(max_message_size=max_message_size, decode_text=decode_text),
            backend.FrameBuilder(),
            queue=QueueRules(
                max_queue=max_queue,
                max_queue_bytes=max_queue_bytes,
                overflow=overflow,
                conflate=conflate,
                on_drop=on_drop,
                text_queue_maxsize=text_queue_maxsize,
                binary_queue_maxsize=binary_queue_maxsize,
                timestamps=timestamps,
            ),
            batch_window=batch_window,
            write_buffer_size=write_buffer_size,
            decode_text=decode_text,
            loads=loads,
            close_timeout=close_timeout,
        )
        self._dumps = dumps
        self._protocol_handler = protocol_handler
        self._ping_interval = ping_interval
        self._ping_timeout = ping_timeout
        self._heartbeat = heartbeat
        self._idle_timeout = idle_timeout
        # Made when they are needed: an idle connection is to be small.
        self._keep_alive: KeepAlive | None = None
        self._pings: Pings | None = None
        self._watches: tuple[IdleWatch | Heart, ...] = ()
        self._response: Response | None = None
        self._subprotocol: str | None = None
        self._compression: Deflate | None = None
        self._phases = Phases()
        self._remote_address: Any = None
        # May be asked for at the end only: until then the transport tells it.
        self._local_address: Any = None

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
        return self.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The address that the socket is connected to, also after the end; that of a proxy."""
        return self._remote_address

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell something about the transport; never raises.

        Args:
            name: "socket", "sockname" or "peername", and with TLS also "ssl_object",
                "peercert" or "cipher", as for `asyncio.BaseTransport.get_extra_info`.
            default: what to return for anything unknown; after the end only the addresses
                are sure to be known.
        """
        known = {"sockname": self._local_address, "peername": self._remote_address}.get(name)
        if known is not None:
            return known
        try:
            return self._transport.get_extra_info(name, default)  # type: ignore[union-attr]
        except Exception:
            return default

    @property
    def compression(self) -> Deflate | None:
        """The compression that was agreed on, `None` for none (RFC 7692 section 7.1).

        Its windows and context takeovers are those in use, not those that were offered.
        """
        return self._compression

    # -- what was done -----------------------------------------------------------------

    @property
    def stats(self) -> Stats:
        """The connection's counters as they are now, also after the end; see `Stats`.

        Counting is part of reading and writing; a snapshot adds up all that is queued, as
        `pending` does.
        """
        parser, outbox, read_flow = self._parser, self._outbox, self._read_flow
        pending, dropped = self.pending, self.dropped
        return Stats(
            messages_received=self._received,
            messages_sent=outbox.messages(),
            frames_received=parser.frames,
            frames_sent=outbox._builder.frames,
            wire_bytes_received=read_flow._bytes,
            wire_bytes_sent=outbox._written_bytes,
            payload_bytes_received=parser.payload_bytes,
            payload_bytes_sent=outbox._builder.payload_bytes,
            queue_depth=pending.messages,
            max_queue_depth=max(self._inbox._deepest, pending.messages),
            pauses=read_flow._pauses,
            seconds_paused=read_flow.seconds_held(),
            messages_dropped=dropped.messages,
            bytes_dropped=dropped.bytes,
            writes=outbox._writes,
            pings_received=parser.pings,
            pongs_received=parser.pongs,
            pings_sent=outbox._pings,
            pongs_sent=outbox._pongs,
            latency=self._latency,
            last_received_at=read_flow._arrived_at or None,
            last_sent_at=outbox._wrote_at or None,
        )

    # -- sending -----------------------------------------------------------------------

    def send_json(self, value: Any, *, compress: bool | None = None) -> Coroutine[Any, Any, None]:
        """Send `value` as one text message, encoded with `dumps`; else as `send_text`.

        Raises:
            TypeError, ValueError: as `dumps` does; nothing was sent.
        """
        return self.send_text(self._dumps(value), compress=compress)

    async def send_many(
        self, messages: Iterable[str | Buffer], *, compress: bool | None = None
    ) -> None:
        """Send each of `messages`, `str` as text and bytes-like as binary, in few writes.

        Waits for room in the transport every 64 KiB or so. Cancelling it stops between
        two messages; those before are on their way.

        Args:
            messages: to send.
            compress: as for `send_text`, for each of them.

        Raises:
            TypeError: one of them is neither; those before it are on their way.
            ConnectionDisconnected: the connection is closing or closed.
        """
        iterator = iter(messages)
        while (wait := self._send_some(iterator, compress)) is not None:
            await wait

    def send_protocol(self, data: Any) -> Coroutine[Any, Any, None]:
        """Send `data` as one binary message, encoded by the protocol handler; else as `send_bytes`.

        Raises:
            RuntimeError: the connection has no protocol handler.
            Exception: as its `encode` does; nothing was sent.
        """
        return self.send_bytes(self._handler().encode(data))

    def receive_protocol(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, which must be binary, and decode it; else as `receive_bytes`.

        What the protocol handler's `decode` raises is passed on; the message has then been
        taken.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            RuntimeError: the connection has no protocol handler.
        """
        return _decoded(self._handler(), self.receive_bytes(timeout))

    def _handler(self) -> ProtocolHandler:
        if self._protocol_handler is None:
            raise RuntimeError("the connection has no protocol handler (protocol_handler)")
        return self._protocol_handler

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
        answer = self._own_pings().add(payload)
        await sending
        return answer

    # -- is the peer there -------------------------------------------------------------

    @property
    def latency(self) -> Latency | None:
        """The last round trip of a Ping and their moving average, in seconds; `None` without one.

        Those of keep-alive count, and those of `ping`. A Pong that waits to be read, as while
        the queue is full, counts as late.
        """
        return self._latency

    def receive_pong(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next Pong that answers no keep-alive Ping (RFC 6455 section 5.5.3).

        Up to 16 wait to be read, then the oldest are dropped. Safe to cancel, and several
        tasks may wait: first come, first served.

        Args:
            timeout: in seconds; `None` waits without limit.

        Returns:
            Its payload.

        Raises:
            ReadTimeout: none arrived in time; nothing is lost.
            ConnectionDisconnected, ProtocolError: the connection is closed, as `receive` has it.
        """
        self._require_own_thread()
        return self._read_pong(timeout)

    async def _read_pong(self, seconds: float | None) -> bytes:
        # Not the coroutine of `Pings`: who waits is to hold the connection.
        return await self._own_pings().read(seconds)

    def start_keep_alive(self, interval: float = 30.0) -> None:
        """Send keep-alive Pings every `interval` seconds from now on; `ping_timeout` stays.

        Raises:
            TypeError, ValueError: the interval is not a number of seconds over 0.
            ConnectionDisconnected: the connection is closing or closed.
        """
        self._require_own_thread()
        if interval is None:
            raise TypeError("interval must be a number of seconds, not None")
        check_interval("interval", interval)
        if self._sending_over:
            self._refuse_to_send()
        if self._keep_alive is None:
            self._keep_alive = KeepAlive(self, self._ping_timeout)
        self._keep_alive.start(interval)

    def stop_keep_alive(self) -> None:
        """Send no more keep-alive Pings, and wait for none of their answers."""
        self._require_own_thread()
        if self._keep_alive is not None:
            self._keep_alive.stop()

    def _own_pings(self) -> Pings:
        if self._pings is None:
            self._pings = Pings(self._loop)
            if self._protocol is not None:
                self._protocol.reach(self._pings)
            if self._reading_over:
                self._pings.finish(self._end_of_pongs)
        return self._pings

    def _end_of_pongs(self) -> BaseException:
        return self._end_of_messages(False)

    def _on_pong(self, payload: bytes) -> None:
        if self._keep_alive is not None and self._keep_alive.owns(payload):
            seconds = self._keep_alive.round_trip(payload)
        else:
            seconds = self._own_pings().take_pong(payload)
        if seconds is not None:
            self._latency = measured(self._latency, seconds)

    def _on_open(self, transport: asyncio.Transport) -> None:
        super()._on_open(transport)
        if self._ping_interval is not None:
            self._keep_alive = KeepAlive(self, self._ping_timeout)
            self._keep_alive.start(self._ping_interval)
        if self._idle_timeout is not None:
            self._watches += (IdleWatch(self, self._idle_timeout),)
        if self._heartbeat is not None:
            self._watches += (Heart(self, self._heartbeat),)

    def _end_reading(self) -> None:
        self.stop_keep_alive()
        for watch in self._watches:
            watch.stop()
        super()._end_reading()
        if self._pings is not None:
            self._pings.finish(self._end_of_pongs)

    def _on_lost(self, exc: Exception | None) -> None:
        # No transport tells it afterwards.
        self._local_address = self.local_address
        super()._on_lost(exc)
        if self._pings is not None:
            self._pings.fail(self._disconnected)

    # -- closing -----------------------------------------------------------------------

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


async def _decoded(handler: ProtocolHandler, receiving: Coroutine[Any, Any, bytes]) -> Any:
    return handler.decode(await receiving)
