"""The data path of one connection: queues messages from socket reads, and sends frames.

Does not open or close the connection: it reports to the objects that `owner` describes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .._base.arguments import batch_limit
from .._base.queue_rules import Dropped, Pending, QueueRules
from .._base.rfc6455 import OPCODE_PING
from .._codec.backend import COMPILED
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


# One turn of the event loop parses at most this many frames of a connection, and inflates about as
# many bytes: then other tasks and timers have their turn. A short message takes its consumer some
# 0.2 us with the compiled core, and some 3 us without.
SLICE_FRAMES = 4096 if COMPILED else 512
SLICE_BYTES = 128 * 1024
# Of more Pings than this in one turn, only the last are answered (RFC 6455 section 5.5.3).
PONGS_AT_ONCE = 64


class Channel(Sender):
    """Sends and receives messages over one transport; the base class of `WebSocketConnection`.

    A channel belongs to the thread of its event loop. It has the methods that the program calls.
    The transport's callbacks are in `ChannelProtocol`.
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
        # Created when needed, with the two limits below; so the rules need not be kept.
        self._partial: PartialMessage | None = None
        self._max_waiting = queue.max_waiting()
        self._max_assembled = queue.max_assembled(parser.limited)
        self._transport: asyncio.Transport | None = None
        # The results of the opening; `None` until the connection is open.
        self._opened: Opened | None = None
        self._protocol: Any = None
        self._write_buffer_size = write_buffer_size
        # If set, called with the payload of each Ping.
        self._on_ping: Callable[[bytes], object] | None = None
        # Receives have ended, or end after the queued messages: further data is ignored.
        self._ignores_reads = False
        # What was read and is parsed in a later turn of the event loop.
        self._unparsed: bytes | None = None
        parser.slice_frames = SLICE_FRAMES
        parser.slice_bytes = min(self._max_waiting, SLICE_BYTES)
        # Counts the messages that arrived.
        self._received = 0
        # If set, called with the messages of each read.
        self._on_messages: Callable[[list[Any]], object] | None = None

    # -- receiving ---------------------------------------------------------------------

    def receive(self, timeout: float | None = None) -> Coroutine[Any, Any, Message]:
        """Wait for the next message.

        Safe to cancel: a message is taken only in the step that returns it. Several tasks
        may wait; they are served first come, first served.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            ReadTimeout: no message arrived in time; nothing is lost.
            ConnectionDisconnected: the connection is closed, and all messages were taken.
            ProtocolError: the server violated the protocol, and all messages before the violation
                were taken.
            QueueOverflow: the queue exceeded its bounds with `overflow="close"`, and all
                queued messages were taken.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveMessage, False, timeout, 0)

    def receive_text(self, timeout: float | None = None) -> Coroutine[Any, Any, str]:
        """Wait for the next message, which must be text; otherwise like `receive`.

        The result is `bytes` if the connection was opened with `decode_text=False`. With lanes
        (`text_queue_maxsize` or `binary_queue_maxsize`) it is the next text message, whatever
        binary messages came before.

        Raises:
            MessageTypeError: the next message is binary; it stays queued. Not raised with lanes.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveText, False, timeout, 0)

    def receive_bytes(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next message, which must be binary; otherwise like `receive`.

        With lanes it is the next binary message, whatever text messages came before.

        Raises:
            MessageTypeError: the next message is text; it stays queued. Not raised with lanes.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveBytes, False, timeout, 0)

    def receive_json(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, text or binary, and decode it with `loads`.

        With lanes it is the next text message. If `loads` raises, the error is passed on, and the
        message has been taken. Otherwise like `receive`.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveJson, False, timeout, 0)

    def receive_many(
        self, max_messages: int | None = None, timeout: float | None = None
    ) -> Coroutine[Any, Any, list[str | bytes]]:
        """Wait until messages are queued, then take them all at once.

        This is the cheapest way to receive: the messages of one socket read are returned as one
        list. Otherwise like `receive`.

        Args:
            max_messages: the largest number of messages to take; `None` for all queued messages.
            timeout: in seconds, for the first message; `None` waits without limit.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveMany, False, timeout, batch_limit(max_messages))

    def receive_stream(self, timeout: float | None = None) -> MessageStream:
        """Receive the next message chunk by chunk as it arrives, whatever its size.

        `async for chunk in ws.receive_stream()` returns each chunk as `str` or `bytes`. The first
        wait for a chunk takes its turn among the other receives. Cancelling a wait loses nothing,
        and you may leave the stream at any time: see `MessageStream`. Reading pauses while more
        than `max_queue_bytes` of chunks wait. Later messages arrive after the end of this one.

        Args:
            timeout: in seconds, for each wait; `None` waits without limit.

        Raises:
            ReadTimeout: no chunk arrived in time; iterate again to continue.
            ConnectionDisconnected: the connection is closed. If it ended within the message, all
                chunks that arrived were taken.
            ProtocolError: the server violated the protocol, and all valid data before the
                violation was taken.
            MessageTooBig: the message began before a task waited for its chunks, and exceeds
                `max_message_size`, which does not limit a message that is received in chunks.
            QueueOverflow: as for `receive`.
        """
        self._check_thread()
        return MessageStream(self._loop, self._inbox, self._own_partial(), timeout)

    def receive_nowait(self) -> Message:
        """Take the next message, without waiting.

        Raises:
            asyncio.QueueEmpty: no message is queued, or those that are queued are for receives
                that came before.
            ConnectionDisconnected, ProtocolError, QueueOverflow: as for `receive`.
        """
        self._check_thread()
        return self._inbox.take_now()

    def peek(self) -> Message | None:
        """Return the message that `receive_nowait` would take, and leave it queued.

        Returns `None` if there is none: no message is queued, those that are queued are for
        receives that came before, or the connection has ended.
        """
        self._check_thread()
        return self._inbox.peek()

    @property
    def pending(self) -> Pending:
        """What has arrived and was not received: `messages` and `bytes` (characters, for text).

        Waiting chunks of `receive_stream` count in `bytes` only. Each call adds up the lengths of
        all queued messages.
        """
        self._check_thread()
        pending = self._inbox.pending()
        if self._partial is None:
            return pending
        return Pending(pending.messages, pending.bytes + self._partial.size())

    @property
    def dropped(self) -> Dropped:
        """Messages dropped since the connection was opened: `messages` and `bytes`.

        A message is dropped if it exceeds the bounds of the queue with `overflow="drop_oldest"` or
        `"drop_newest"`, if `conflate` replaces it, or if the queue has no room for it while the
        connection is closing. `bytes` counts characters, for text.
        """
        self._check_thread()
        return self._drops.counted()

    def batches(self, max_messages: int | None = None) -> Batches:
        """Iterate over lists of messages, each as `receive_many` returns it.

        Ends as iterating over the connection does.

        Args:
            max_messages: the largest number of messages in a list; `None` for no limit.
        """
        self._check_thread()
        return Batches(self._inbox, batch_limit(max_messages))

    def __aiter__(self) -> Messages:
        # Not the channel itself: for a Python subclass of a compiled class, each step would look
        # up `__anext__` by name.
        self._check_thread()
        return Messages(self._inbox)

    # -- socket reads --------------------------------------------------------------------

    def _read(self, data: bytearray | bytes, size: int) -> None:
        """Parse the first `size` bytes of `data`, or as much as one turn of the loop may."""
        if self._ignores_reads:
            return
        self._read_flow.arrived(size)
        if self._unparsed is None:
            self._parse(data, size)
        else:
            # The transport reads although it was paused.
            self._unparsed += data[:size]

    def _parse(self, data: bytearray | bytes, size: int) -> None:
        fault = None
        before = len(self._inbox._queue)
        try:
            self._parser.feed(data, self._inbox._queue, size)
        except ProtocolError as exc:
            fault = exc
        if self._parser.unparsed >= 0:
            # Copied now: whoever is woken may read into the same memory.
            self._unparsed = bytes(data[size - self._parser.unparsed : size])
            self._read_flow.set_aside(self._parse_more)
        self._after_read(before, fault)

    def _parse_more(self) -> None:
        """Parse some of what was set aside."""
        data = self._unparsed
        self._unparsed = None
        if data is not None and not self._ignores_reads:
            try:
                self._parse(data, len(data))
            except BaseException:
                # A transport does the same if its callback fails.
                self._closing.abort()
                raise
        if self._unparsed is None:
            self._read_flow.parsed_all()

    def _parse_all(self) -> None:
        """Parse all that was set aside: the transport has reached its end."""
        while self._unparsed is not None:
            self._parse_more()

    def _read_in_place(self, size: int) -> None:
        """Parse `size` bytes that were read into the parser's own memory."""
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
        """Act on what was parsed. All state must be final before any task is woken.

        Args:
            before: the length of the queue's list before the read.
            fault: the error in what was read, if any.
        """
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
        """Apply the bounds to what the consumers left of the reads since the last call.

        Args:
            ends: whether a Close frame or a fault follows the messages.
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
        skipped = 0
        if len(controls) > PONGS_AT_ONCE:
            skipped = self._count_pings(controls) - PONGS_AT_ONCE
        for opcode, payload in controls:
            if opcode == OPCODE_PING:
                skipped -= 1
                if skipped < 0:
                    self._answer_ping(payload)
                if self._on_ping is not None:
                    self._on_ping(payload)
            else:
                self._watch.take_pong(payload)

    def _count_pings(self, controls: list[tuple[int, bytes]]) -> int:
        count = 0
        for opcode, _ in controls:
            if opcode == OPCODE_PING:
                count += 1
        return count

    # -- for the object that closes the connection ---------------------------------------

    def _finish_receiving(self, end: Callable[[bool], BaseException]) -> None:
        """Let receives raise the error that `end` makes, after the queued messages."""
        self._ignores_reads = True
        self._inbox.finish(end)
        self._read_to_the_end()
        self._wake()

    def _read_to_the_end(self, ignoring: bool = False) -> None:
        """Read without pauses, and drop what exceeds the bounds: the connection is closing.

        Args:
            ignoring: whether all further data is ignored.
        """
        self._ignores_reads = self._ignores_reads or ignoring
        self._bounds.finish()
        if self._partial is not None:
            self._partial.finish()
        self._read_flow.finish()

    def _has_queued(self) -> bool:
        """Whether messages are queued."""
        return self._inbox.count() > 0

    # -- for the protocol ----------------------------------------------------------------

    def _open(self, transport: asyncio.Transport, opened: Opened) -> None:
        """Begin to read and write frames, as agreed on in the opening handshake."""
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
