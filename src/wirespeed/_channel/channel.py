"""The data path of one connection: queues messages from socket reads, and sends frames.

Does not open or close the connection: it reports to the objects that `owner` describes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._base.queue_rules import QueueRules
from .._base.rfc6455 import OPCODE_PING
from .._codec.backend import COMPILED
from .._codec.deflate import Deflater
from .._codec.inflate import Inflater
from ..exceptions import ProtocolError
from .receive.receiver import Receiver
from .turn import Turn
from .waiter import Waiter, suspend

if TYPE_CHECKING:
    from .._base.opened import Opened
    from .._codec import contract
    from .owner import ClosingState, PeerWatch


# One turn of the event loop parses at most this many frames of a connection, and inflates about as
# many bytes: then other tasks and timers have their turn. A short message takes its consumer some
# 0.2 us with the compiled core, and some 3 us without.
SLICE_FRAMES = 4096 if COMPILED else 512
SLICE_BYTES = 128 * 1024
# Of more Pings than this in one turn, only the last are answered (RFC 6455 section 5.5.3), and of
# more Pongs than this that nobody awaits, only the last are looked at.
CONTROLS_AT_ONCE = 64


class Channel(Receiver):
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
        super().__init__(
            loop, parser, builder, Turn(), closing, queue, loads, batch_window, decode_text
        )
        self._watch = watch
        self._transport: asyncio.Transport | None = None
        # The results of the opening; `None` until the connection is open.
        self._opened: Opened | None = None
        self._write_buffer_size = write_buffer_size
        # If set, called with the payload of each Ping that is answered.
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
        except MemoryError:
            self._keep_parsed(before)
            raise
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
        except MemoryError:
            self._keep_parsed(before)
            raise
        self._after_read(before, fault)

    def _keep_parsed(self, before: int) -> None:
        """Let what was parsed until memory ran out be received; the transport closes itself."""
        if self._partial is not None:
            self._partial.take_read()
        self._inbox.admit(before)

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
        if len(controls) > CONTROLS_AT_ONCE:
            controls = self._without_flood(controls)
        for opcode, payload in controls:
            if opcode == OPCODE_PING:
                self._answer_ping(payload)
                if self._on_ping is not None:
                    self._on_ping(payload)
            else:
                self._watch.take_pong(payload)

    def _without_flood(self, controls: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Return the last of the Pings and the last of the Pongs, and all Pongs that are awaited.

        A flood of others would cost 35 times as much as messages of as many bytes.
        """
        ping = OPCODE_PING
        pings = -CONTROLS_AT_ONCE
        for opcode, _ in controls:
            if opcode == ping:
                pings += 1
        pongs = len(controls) - 2 * CONTROLS_AT_ONCE - pings
        awaited = self._watch.awaited_pongs()
        kept = []
        for control in controls:
            opcode, payload = control
            if opcode == ping:
                pings -= 1
                if pings < 0:
                    kept.append(control)
            else:
                pongs -= 1
                if pongs < 0 or payload in awaited:
                    kept.append(control)
        return kept

    # -- for the object that closes the connection ---------------------------------------

    def _stand_in(self, line: list[Any]) -> Waiter:
        """Suspend the current task: return its waiter, which is now the last in `line`."""
        waiter = suspend(self._loop)
        line.append(waiter)
        return waiter

    def _finish_receiving(self, end: Callable[[bool], BaseException]) -> None:
        """Let receives raise the error that `end` makes, after the queued messages."""
        self._ignores_reads = True
        self._inbox.finish(end)
        self._read_to_the_end()
        self._wake()
        # Last, because it can fail; then the timer finds nobody.
        self._inbox.stop_deadlines()

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
