"""The open connection: the data path, plus JSON, Pings, keep-alive and closing.

Does not open connections. Public name: `WebSocketConnection`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ._base.arguments import check_bool, check_callable, check_limit, check_messages, check_seconds
from ._base.foreign_names import name_own_attributes
from ._base.latency import Latency
from ._base.queue_rules import Overflow, QueueRules
from ._base.rfc6455 import (
    MAX_CONTROL_PAYLOAD_BYTES,
    OPCODE_BINARY,
    OPCODE_CLOSE,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
    CloseCode,
)
from ._base.stats import Stats
from ._base.timings import Timings
from ._codec import backend
from ._handshake.subprotocol import ProtocolHandler
from ._lifecycle.closing import Closing, closing_of
from ._lifecycle.closing_table import State
from ._lifecycle.counters import counted
from ._lifecycle.heartbeat import Heartbeat, check_heartbeat
from ._lifecycle.pings import Pings
from ._lifecycle.unclosed import drop_unclosed
from ._lifecycle.watch import Watch

if TYPE_CHECKING or not backend.COMPILED:
    from ._channel import Channel, Message, MessageStream
else:
    from ._channel_c import Channel, Message, MessageStream

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ._base.close_info import CloseInfo
    from ._base.compression import Deflate
    from ._base.json_calls import IterateJson, ReceiveJson
    from ._base.response import Response

__all__ = ["Heartbeat", "Message", "MessageStream", "WebSocketConnection"]


@name_own_attributes
class WebSocketConnection(Channel):
    """A connection to a WebSocket server; made by `wirespeed.connect`.

    Iterating over it returns the data of each message, `str` or `bytes`, and ends at a clean close
    (close code 1000, 1001, or none). It belongs to the thread of its event loop. Methods that
    send, receive or close raise `RuntimeError` in another thread.
    """

    OPCODE_TEXT = OPCODE_TEXT
    OPCODE_BINARY = OPCODE_BINARY
    OPCODE_CLOSE = OPCODE_CLOSE
    OPCODE_PING = OPCODE_PING
    OPCODE_PONG = OPCODE_PONG

    if TYPE_CHECKING:
        # The overloads refuse what raises `TypeError`: `loads` and `type` together.
        receive_json: ReceiveJson  # type: ignore[assignment]
        json: IterateJson  # type: ignore[assignment]

    # Without a `__dict__` each call finds its method faster.
    __slots__ = ("_dumps", "_protocol_handler")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        max_message_size: int | None,
        max_queue: int | None,
        max_queue_bytes: int | None,
        overflow: Overflow,
        conflate: Callable[[Message], Hashable] | None,
        on_drop: Callable[[Message], object] | None,
        text_queue_maxsize: int | None,
        binary_queue_maxsize: int | None,
        batch_window: float,
        write_buffer_size: int | None,
        decode_text: bool,
        timestamps: bool,
        close_timeout: float | None,
        ping_interval: float | None,
        ping_timeout: float | None,
        heartbeat: Heartbeat | None,
        idle_timeout: float | None,
        protocol_handler: ProtocolHandler | None,
        loads: Callable[[Any], Any],
        dumps: Callable[[Any], str | bytes],
    ) -> None:
        """Make a connection that is not open yet; `connect` documents the arguments.

        Raises:
            TypeError, ValueError: an argument cannot be used.
        """
        check_seconds("batch_window", batch_window, required=True)
        check_limit("write_buffer_size", write_buffer_size)
        watch = Watch(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            heartbeat=heartbeat,
            idle_timeout=idle_timeout,
        )
        check_bool("decode_text", decode_text)
        check_callable("loads", loads)
        check_callable("dumps", dumps)
        closing = Closing(watch, close_timeout)
        super().__init__(
            loop,
            backend.MessageParser(max_message_size=max_message_size, decode_text=decode_text),
            backend.FrameBuilder(),
            closing=closing,
            watch=watch,
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
        )
        closing.channel = self
        self._dumps = dumps
        self._protocol_handler = protocol_handler

    def __repr__(self) -> str:
        state = closing_of(self).state
        shown = "closed" if state is State.CLOSED else "closing" if self.closed else "open"
        return f"<{type(self).__name__} {shown}>"

    def __reduce_ex__(self, protocol: object) -> str:
        # A copy would share the transport, and close it when it is collected.
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")

    def __del__(self) -> None:
        # The event loop holds no reference: the connection is unused, or the loop is closed.
        closing = getattr(self, "_closing", None)
        if closing is None or closing.state is State.CLOSED or self._transport is None:
            return
        drop_unclosed(self, self._transport, self._loop, self.abort)

    # -- the opening handshake ---------------------------------------------------------

    @property
    def response(self) -> Response:
        """The server's response to the opening handshake, and the redirects before it."""
        if self._opened is None:
            raise RuntimeError("the connection is not open")
        return self._opened.response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose, `None` if it chose none (RFC 6455 section 1.9)."""
        return None if self._opened is None else self._opened.subprotocol

    # -- the transport -----------------------------------------------------------------

    @property
    def timings(self) -> Timings:
        """How long each phase of the opening took, in seconds."""
        return Timings() if self._opened is None else self._opened.timings

    @property
    def local_address(self) -> Any:
        """The socket's local address: `(host, port, ...)`, or a unix path; kept after the end."""
        return self.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The address that the socket is connected to, or the proxy's; kept after the end."""
        return None if self._opened is None else self._opened.remote_address

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the transport; never raises.

        Args:
            name: "socket", "sockname" or "peername", and with TLS also "ssl_object",
                "peercert" or "cipher", as for `asyncio.BaseTransport.get_extra_info`.
            default: the result if the information is unknown. After the end, only the addresses
                are certain to be known.
        """
        opened = self._opened
        if opened is not None:
            known = {"sockname": opened.local_address, "peername": opened.remote_address}.get(name)
            if known is not None:
                return known
        try:
            return self._transport.get_extra_info(name, default)  # type: ignore[union-attr]
        except Exception:
            return default

    @property
    def compression(self) -> Deflate | None:
        """The compression that was agreed on; `None` for no compression (RFC 7692 section 7.1).

        It has the parameters in use (windows, context takeover), not those that were offered.
        """
        return None if self._opened is None else self._opened.compression

    # -- counters ----------------------------------------------------------------------

    @property
    def stats(self) -> Stats:
        """A snapshot of the connection's counters, also after the end; see `Stats`.

        Reading and writing update the counters. Each snapshot adds up the lengths of all queued
        messages, as `pending` does.
        """
        return counted(self, self.latency)

    # -- sending -----------------------------------------------------------------------

    def send_json(self, value: Any, *, compress: bool | None = None) -> Coroutine[Any, Any, None]:
        """Send `value` as one text message, encoded with `dumps`; otherwise like `send_text`.

        Raises:
            TypeError, ValueError: as `dumps` does; nothing was sent.
        """
        return self.send_text(self._dumps(value), compress=compress)

    async def send_many(
        self, messages: Iterable[str | Buffer], *, compress: bool | None = None
    ) -> None:
        """Send each of `messages`, `str` as text and bytes-like as binary, in few writes.

        Waits for room in the transport about every 64 KiB. Cancelling it stops between two
        messages; the messages before are on their way.

        Args:
            messages: the messages to send.
            compress: as for `send_text`, for each message.

        Raises:
            TypeError: a message is neither `str` nor bytes-like; those before it are on their way.
                Or `messages` is a single message, or a mapping; nothing was sent.
            ConnectionDisconnected: the connection is closing or closed.
        """
        check_messages(messages)
        iterator = iter(messages)
        while (wait := self._send_some(iterator, compress)) is not None:
            await wait

    def send_protocol(self, data: Any) -> Coroutine[Any, Any, None]:
        """Send `data` as one binary message, encoded by the protocol handler.

        Otherwise like `send_bytes`.

        Raises:
            RuntimeError: the connection has no protocol handler.
            Exception: any error of the handler's `encode`; nothing was sent.
        """
        return self.send_bytes(self._handler().encode(data))

    def receive_protocol(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, which must be binary; decode it with the protocol handler.

        Otherwise like `receive_bytes`. If the handler's `decode` raises, the error is passed on,
        and the message stays queued.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            RuntimeError: the connection has no protocol handler.
        """
        self._require_own_thread()
        receiving: Coroutine[Any, Any, Any] = self._receive_protocol(
            self._handler().decode, timeout
        )
        return receiving

    def _handler(self) -> ProtocolHandler:
        if self._protocol_handler is None:
            raise RuntimeError("the connection has no protocol handler (protocol_handler)")
        return self._protocol_handler

    async def ping(self, data: str | Buffer = b"") -> asyncio.Future[float]:
        """Send a Ping (RFC 6455 section 5.5.2).

        Returns:
            A future of the round trip in seconds, which need not be awaited. It fails with
            `ConnectionDisconnected` if the connection is lost before the Pong arrives.

        Args:
            data: the payload, at most 125 bytes; `str` is sent as UTF-8.

        Raises:
            TypeError, ValueError: the payload cannot be sent.
            ConnectionDisconnected: the connection is closing or closed.
        """
        try:
            payload = data.encode() if isinstance(data, str) else bytes(memoryview(data))
        except TypeError:
            kind = type(data).__name__
            raise TypeError(f"ping payload must be str or bytes-like, not {kind}") from None
        if len(payload) > MAX_CONTROL_PAYLOAD_BYTES:
            raise ValueError(
                f"ping payload is {len(payload)} bytes,"
                f" limit is {MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 section 5.5)"
            )
        sending = self._send_control(OPCODE_PING, payload)
        answer = self._pings().add(payload)
        await sending
        return answer

    # -- keep-alive --------------------------------------------------------------------

    @property
    def latency(self) -> Latency | None:
        """The last round trip of a Ping and the moving average, in seconds; `None` before any.

        Pings of keep-alive and of `ping` count. Time that a Pong waits to be read, as when the
        queue is full, is part of the round trip.
        """
        return closing_of(self).watch.latency

    def receive_pong(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next Pong that answers no keep-alive Ping (RFC 6455 section 5.5.3).

        Up to 16 Pongs wait to be read; then the oldest is dropped. Safe to cancel. Several tasks
        may wait; they are served first come, first served.

        Args:
            timeout: in seconds; `None` waits without limit.

        Returns:
            The payload of the Pong.

        Raises:
            ReadTimeout: no Pong arrived in time; nothing is lost.
            ConnectionDisconnected, ProtocolError, QueueOverflow: the connection has ended, as for
                `receive`, and all Pongs were read.
        """
        self._require_own_thread()
        check_seconds("timeout", timeout)
        return self._read_pong(timeout)

    async def _read_pong(self, seconds: float | None) -> bytes:
        # Not the coroutine of `Pings`: a waiting task must hold a reference to the connection.
        return await self._pings().read(seconds)

    def start_keep_alive(self, interval: float = 30.0) -> None:
        """Send keep-alive Pings every `interval` seconds from now on; `ping_timeout` is unchanged.

        Raises:
            TypeError, ValueError: `interval` is not a finite number of seconds over 0.
            ConnectionDisconnected: the connection is closing or closed.
        """
        self._require_own_thread()
        check_seconds("interval", interval, over_zero=True, required=True)
        self._outbox.check_open()
        closing_of(self).watch.start_keep_alive(interval)

    def stop_keep_alive(self) -> None:
        """Stop sending keep-alive Pings, and stop the clock of `ping_timeout`."""
        self._require_own_thread()
        closing_of(self).watch.stop_keep_alive()

    def start_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Send heartbeat messages from now on, for example as the server's first message asks.

        It replaces the heartbeat of `connect` or of an earlier call, whose unanswered message no
        longer counts. It ends with this connection: `async for` does not carry it over to the next.

        Args:
            heartbeat: the settings; the first message is due after one `interval`.

        Raises:
            TypeError: `heartbeat` is no `Heartbeat`.
            ConnectionDisconnected: the connection is closing or closed.
        """
        self._require_own_thread()
        check_heartbeat(heartbeat)
        self._outbox.check_open()
        closing_of(self).watch.start_heartbeat(heartbeat)

    def stop_heartbeat(self) -> None:
        """Send no more heartbeat messages, and expect no answer to the last one."""
        self._require_own_thread()
        closing_of(self).watch.stop_heartbeat()

    def _pings(self) -> Pings:
        return closing_of(self).watch.pings()

    # -- closing -----------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the connection is closing or closed, on either side: nothing more can be sent.

        A Close frame of the server counts once it is answered.
        """
        return closing_of(self).refuses_sends

    @property
    def close_code(self) -> int | None:
        """The close code, `None` while the connection is open.

        This is the code of the server's Close frame (1005 if it had no code). Without that frame,
        it is the code sent because of a malformed stream or a full queue (1008). Otherwise it
        is 1006: the connection was lost without a Close frame.
        """
        return closing_of(self).close_code

    @property
    def close_reason(self) -> str | None:
        """The close reason that goes with `close_code`, `None` while the connection is open."""
        return closing_of(self).close_reason

    @property
    def close_info(self) -> CloseInfo | None:
        """How the connection ended; `None` while messages can still arrive.

        Each access makes a new record, because the unread messages change as they are taken.
        """
        return closing_of(self).close_info

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection with the closing handshake (RFC 6455 section 7.1.2).

        Returns when the transport is closed, at the latest `close_timeout` seconds after data that
        was sent before has stopped leaving. Messages that arrive until then can still be received,
        as far as the queue has room. If this is cancelled, closing continues. A second call waits
        for the first.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
            reason: at most 123 bytes in UTF-8.

        Raises:
            TypeError, ValueError: `code` or `reason` cannot be sent; nothing has changed.
        """
        self._require_own_thread()
        closing_of(self).close(code, reason)
        await self.wait_closed()

    def abort(self) -> None:
        """Close the transport at once, without a closing handshake.

        Waiting receives raise `ConnectionDisconnected`. Later receives return the messages that
        arrived before, then raise it too. `wait_closed` waits until the socket is closed.
        """
        self._require_own_thread()
        closing_of(self).abort()

    async def wait_closed(self) -> None:
        """Wait until the transport is closed, by either side and for any reason.

        Never raises. Safe to cancel.
        """
        await closing_of(self).wait_closed()

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
