"""The data path of one connection: socket reads in, messages queued, frames out.

Does not open or close the connection: it reports to the objects that `owner` describes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .._base.arguments import batch_limit
from .._base.queue_rules import Dropped, Pending, QueueRules
from .._base.rfc6455 import OPCODE_PING
from .._codec.deflate import Deflater
from .._codec.inflate import Inflater
from ..exceptions import ProtocolError
from .receive.inbox import Inbox
from .receive.lanes import LaneBounds, LaneInbox
from .receive.message import Message
from .receive.message_stream import MessageStream
from .receive.overflow import Bounds, Drops, bound
from .receive.partial_message import PartialMessage
from .receive.read_flow import ReadFlow
from .receive.receives import (
    Batches,
    Messages,
    ReceiveBytes,
    ReceiveJson,
    ReceiveMany,
    ReceiveMessage,
    ReceiveText,
)
from .send.sender import Sender
from .turn import Turn

if TYPE_CHECKING:
    from .._base.opened import Opened
    from .._codec import contract
    from .owner import ClosingState, PeerWatch


class Channel(Sender):
    """Messages in both directions over one transport; the engine of `WebSocketConnection`.

    A channel belongs to the thread of its event loop. It is the consumer's side; what a
    transport calls is in `ChannelProtocol`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        parser: contract.MessageParser,
        builder: contract.FrameBuilder,
        *,
        closing: ClosingState,
        watch: PeerWatch,
        queue: QueueRules,
        loads: Callable[[Any], Any],
        batch_window: float = 0.0,
        write_buffer_size: int | None = None,
        decode_text: bool = True,
    ) -> None:
        turn = Turn()
        super().__init__(loop, builder, turn, closing)
        self._watch = watch
        self._parser = parser
        self._read_flow = ReadFlow(loop, batch_window)
        self._drops = Drops(loop, queue.on_drop)
        self._inbox: Inbox
        self._bounds: Bounds
        clock = self._read_flow if queue.timestamps else None
        if queue.has_lanes:
            lanes = LaneInbox(loop, loads, decode_text, turn, clock)
            self._inbox = lanes
            self._bounds = LaneBounds(lanes, self._read_flow, self._drops, queue)
        else:
            self._inbox = Inbox(loop, loads, decode_text, turn, clock)
            self._bounds = bound(self._inbox, self._read_flow, self._drops, queue)
        # Made when it is needed; these are for it, and the rules need not be kept.
        self._partial: PartialMessage | None = None
        self._max_waiting = queue.max_waiting()
        self._max_assembled = queue.max_assembled(parser.limited)
        self._transport: asyncio.Transport | None = None
        # What the opening agreed on; `None` until the connection is open.
        self._opened: Opened | None = None
        self._protocol: Any = None
        self._write_buffer_size = write_buffer_size
        # Set by who wants to know: called with the payload of each Ping.
        self._on_ping: Callable[[bytes], object] | None = None
        # Receives have ended, or will after what is queued: no more data is wanted.
        self._ignores_reads = False
        # Counts the messages that arrived.
        self._received = 0
        # Set by who wants to know: called with the messages that a read brought.
        self._on_messages: Callable[[list[Any]], object] | None = None

    # -- receiving ---------------------------------------------------------------------

    def receive(self, timeout: float | None = None) -> Coroutine[Any, Any, Message]:
        """Wait for the next message.

        Safe to cancel: a message is taken only in the step that returns it. Several tasks
        may wait; they are served first come first served.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            ReadTimeout: no message arrived in time; nothing is lost.
            ConnectionDisconnected: the connection is closed and all messages were taken.
            ProtocolError: the server broke the protocol, and all messages before were taken.
            QueueOverflow: the queue was over its bounds with `overflow="close"`, and all
                messages before were taken.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveMessage, False, timeout, 0)

    def receive_text(self, timeout: float | None = None) -> Coroutine[Any, Any, str]:
        """Wait for the next message, which must be text; else as `receive`.

        It is `bytes` if the connection was opened with `decode_text=False`. With lanes
        (`text_queue_maxsize` or `binary_queue_maxsize`) it is the next text, whatever binary
        messages came before.

        Raises:
            MessageTypeError: the next message is binary; it stays queued. Never with lanes.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveText, False, timeout, 0)

    def receive_bytes(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next message, which must be binary; else as `receive`.

        With lanes it is the next binary one, whatever text came before.

        Raises:
            MessageTypeError: the next message is text; it stays queued. Never with lanes.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveBytes, False, timeout, 0)

    def receive_json(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, text or binary, and decode it with `loads`.

        What `loads` raises is passed on; the message has then been taken.
        Else as `receive`.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveJson, False, timeout, 0)

    def receive_many(
        self, max_messages: int | None = None, timeout: float | None = None
    ) -> Coroutine[Any, Any, list[str | bytes]]:
        """Wait until messages are queued, then take them all at once.

        The cheapest way to receive: what one socket read brought is handed over as one list.
        Else as `receive`.

        Args:
            max_messages: at most so many; `None` for all that are queued.
            timeout: in seconds, for the first message; `None` waits without limit.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveMany, False, timeout, batch_limit(max_messages))

    def receive_stream(self, timeout: float | None = None) -> MessageStream:
        """Receive the next message chunk by chunk as it arrives, however large it is.

        `async for chunk in ws.receive_stream()` gives `str` or `bytes`. It takes its place among
        the receives with the first wait for a chunk. Cancelling a wait loses nothing, and the
        stream may be left at any time: see `MessageStream`. Over `max_queue_bytes` of chunks
        that wait, reading is held back. What is behind the message waits for its end.

        Args:
            timeout: in seconds, for each wait; `None` waits without limit.

        Raises:
            ReadTimeout: no chunk arrived in time; iterate again to go on.
            ConnectionDisconnected: the connection is closed, if in the midst of the message,
                then after the chunks that arrived.
            ProtocolError: the server broke the protocol; what was valid before was taken.
            MessageTooBig: the message began before somebody waited for its chunks, and is over
                `max_message_size`, which does not limit what is received in chunks.
            QueueOverflow: as `receive`.
        """
        self._check_thread()
        return MessageStream(self._loop, self._inbox, self._own_partial(), timeout)

    def receive_nowait(self) -> Message:
        """Take the next message if there is one.

        Raises:
            asyncio.QueueEmpty: no message is queued.
            ConnectionDisconnected, ProtocolError, QueueOverflow: as `receive`.
        """
        self._check_thread()
        return self._inbox.take_now()

    def peek(self) -> Message | None:
        """Return the message that `receive_nowait` would take, and leave it queued.

        `None` if there is none: nothing is queued, the connection has ended, or what is
        queued is set aside for receives that came before.
        """
        self._check_thread()
        return self._inbox.peek()

    @property
    def pending(self) -> Pending:
        """What has arrived and was not received: `messages` and `bytes` (characters, for text).

        Of what is received in chunks only the bytes count. The lengths of all these messages are
        added up at each call.
        """
        self._check_thread()
        pending = self._inbox.pending()
        if self._partial is None:
            return pending
        return Pending(pending.messages, pending.bytes + self._partial.size())

    @property
    def dropped(self) -> Dropped:
        """What was dropped since the connection was opened: `messages` and `bytes`.

        That is what was over the bounds of the queue with `overflow="drop_oldest"` or
        `"drop_newest"`, what `conflate` replaced, and, while closing, what the queue had no
        room for.
        """
        self._check_thread()
        return self._drops.counted()

    def batches(self, max_messages: int | None = None) -> Batches:
        """Iterate over lists of messages, each as `receive_many` gives it.

        Ends as iterating over the connection does.
        """
        self._check_thread()
        return Batches(self._inbox, batch_limit(max_messages))

    def __aiter__(self) -> Messages:
        # Not the channel itself: a Python subclass of a compiled class finds `__anext__`
        # by name at each step.
        self._check_thread()
        return Messages(self._inbox)

    # -- what a socket read brings -----------------------------------------------------

    def _read(self, data: bytearray | bytes, size: int) -> None:
        """Take the first `size` bytes of `data`."""
        if self._ignores_reads:
            return
        fault = None
        before = len(self._inbox._queue)
        self._read_flow.arrived(size)
        try:
            self._parser.feed(data, self._inbox._queue, size)
        except ProtocolError as exc:
            fault = exc
        self._after_read(before, fault)

    def _read_in_place(self, size: int) -> None:
        """Take `size` bytes that were read into the parser's own memory."""
        if self._ignores_reads:
            return
        fault = None
        before = len(self._inbox._queue)
        self._read_flow.arrived(size)
        try:
            self._parser.buffer_updated(size, self._inbox._queue)
        except ProtocolError as exc:
            fault = exc
        self._after_read(before, fault)

    def _after_read(self, before: int, fault: ProtocolError | None) -> None:
        """Act on what was parsed: all state is final before any task is woken."""
        parser = self._parser
        inbox = self._inbox
        added = len(inbox._queue) - before
        self._received += added
        if self._partial is not None:
            self._received += self._partial.take_read()
        if self._on_messages is not None and added:
            self._on_messages(inbox._queue[-added:])
        inbox.admit(before)
        if parser.controls:
            self._take_controls()
        ends = fault is not None or parser.close is not None
        if ends:
            self._closing.peer_ended(fault, parser.close)
        if self._bounds._is_finished:
            self._bounds.discard()
        self._wake()
        if inbox.has_fresh():
            self._bound_queue(ends)
        if parser.filled > self._max_assembled or self._partial is not None:
            self._own_partial().bound()
        if ends:
            self._closing.hand_on()

    def _own_partial(self) -> PartialMessage:
        partial = self._partial
        if partial is None:
            partial = PartialMessage(
                self._parser, self._inbox, self._read_flow, self._max_waiting, self._max_assembled
            )
            self._partial = partial
            if self._protocol is not None:
                self._protocol.reach(partial._readers)
            if self._bounds._is_finished:
                partial.finish()
        return partial

    def _heard(self) -> int:
        """Return a number that grows whenever a message, or a chunk of one, arrives."""
        if self._partial is None:
            return self._received
        return self._received + self._partial.progress()

    def _bound_queue(self, ends: bool) -> None:
        """Act on what the consumers have left of the reads since the last time.

        Args:
            ends: whether a Close frame or a fault was read behind it.
        """
        overflow = self._bounds.apply(ends)
        self._inbox.note_depth()
        if overflow is not None:
            self._closing.overflowed(overflow)

    def _wake(self) -> None:
        partial = self._partial
        if self._inbox.has_waiters() or (partial is not None and partial.has_readers()):
            self._outbox.begin_wake()
            try:
                if partial is not None:
                    partial.wake()
                self._inbox.wake()
            finally:
                self._outbox.end_wake()

    def _take_controls(self) -> None:
        controls = self._parser.controls
        self._parser.controls = []
        for opcode, payload in controls:
            if opcode == OPCODE_PING:
                self._answer_ping(payload)
                if self._on_ping is not None:
                    self._on_ping(payload)
            else:
                self._watch.take_pong(payload)

    # -- for the object that closes the connection ---------------------------------------

    def _finish_receiving(self, end: Callable[[bool], BaseException]) -> None:
        """Let receives end with what `end` makes, after the messages that are queued."""
        self._ignores_reads = True
        self._inbox.finish(end)
        self._read_to_the_end()
        self._wake()

    def _read_to_the_end(self) -> None:
        """Read without pauses, and drop what is over the bounds: the connection is closing."""
        self._bounds.finish()
        if self._partial is not None:
            self._partial.finish()
        self._read_flow.finish()

    def _has_queued(self) -> bool:
        """Whether messages are queued."""
        return self._inbox.count() > 0

    # -- for the protocol ----------------------------------------------------------------

    def _open(self, transport: asyncio.Transport, opened: Opened) -> None:
        """Begin to read and write frames, as the opening handshake has agreed."""
        self._transport = transport
        if self._write_buffer_size is not None:
            transport.set_write_buffer_limits(self._write_buffer_size)
        self._read_flow.attach(transport)
        self._outbox.attach(transport.write)
        if opened.compression is not None:
            self._parser.accept_compressed(Inflater.of_server(opened.compression))
            self._outbox.compress_with(Deflater(opened.compression))
        self._opened = opened
        self._closing.opened()
