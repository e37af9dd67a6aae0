"""The sending side: frames gathered without delay, written in order, waited for when it is full.

Must not know what a message means or when a connection ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from ..._base.rfc6455 import OPCODE_CONTINUATION, OPCODE_PING, OPCODE_PONG
from ..._codec.backend import use_send_slot
from ..._codec.payload import as_bytes
from ..turn import Turn
from ..waiter import Awaitable, Waiter, begin, suspend
from .held_sends import HeldSends

if TYPE_CHECKING:
    from ..._codec import contract
    from ..._codec.deflate import Deflater

# Gathered frames leave in one write when there are this many bytes of them; a sender
# that is always ready gives the loop a turn after as many.
FLUSH_BYTES = 64 * 1024
# A payload of this size is masked into memory of its own, not copied through the buffer.
LARGE_BYTES = 64 * 1024


def _is_large(payload: contract.Payload) -> bool:
    return isinstance(payload, (str, bytes, bytearray, memoryview)) and len(payload) >= LARGE_BYTES


class Settled(Awaitable):
    """The wait of a send that has nothing to wait for; one serves any number of sends."""

    def __next__(self) -> Waiter | None:
        raise StopIteration

    def _forget(self) -> None:
        pass


use_send_slot(Settled)


class Draining(Awaitable):
    """The wait of a send until the event loop has had a turn, or the transport has room.

    A dropped or cancelled wait changes nothing: the frame is on its way already. The
    option: to give the loop a turn first.
    """

    def __next__(self) -> Waiter | None:
        if self._option:
            self._option = False
            self._take_turn()
            return None
        if self._must_wait():
            return self._waiter
        raise StopIteration

    def _take_turn(self) -> None:
        outbox: Outbox = self._source
        outbox._turn_bytes = 0

    def _must_wait(self) -> bool:
        outbox: Outbox = self._source
        outbox._raise_if_lost()
        self._waiter = outbox._add_waiter() if outbox._paused else None
        return self._waiter is not None

    def _forget(self) -> None:
        outbox: Outbox = self._source
        if self._waiter is not None:
            outbox._remove_waiter(self._waiter)
            self._waiter = None


class Behind(Draining):
    """The wait of what must follow a stream until that has ended, and then as any other send's.

    Dropped or cancelled, it changes nothing: a message stays in line. The limit: how many
    streams will have left the line by then.
    """

    def _must_wait(self) -> bool:
        outbox: Outbox = self._source
        held = outbox._line()
        if held._left >= self._limit:
            return Draining._must_wait(self)
        self._waiter = held.wait()
        return True

    def _forget(self) -> None:
        outbox: Outbox = self._source
        if self._waiter is not None:
            outbox._line().forget(self._waiter)
        Draining._forget(self)


class Outbox:
    """Frames on their way to one transport.

    The first send of a loop tick is written at once; what follows in the same tick
    gathers and leaves together at its end. The same holds inside a wake, where
    the tick's end is the moment the woken task suspends.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, builder: contract.FrameBuilder, turn: Turn
    ) -> None:
        self._loop = loop
        self._builder = builder
        self._turn = turn
        self._deflater: Deflater | None = None
        # What waits behind a stream; `None` before the first one.
        self._held_sends: HeldSends | None = None
        # Whether `send` does for a message: nothing compresses, and none is held.
        self._is_plain = True
        self._write: Callable[[bytes], object] | None = None
        # Makes the error of sends once nothing more may be sent, and whether the transport is gone.
        self._refusal: Callable[[], BaseException] | None = None
        self._is_detached = False
        # Always the same list: the protocol has it.
        self._waiters: list[Waiter] = []
        # Whoever waits for room holds this.
        self._owner: object = None
        self._paused = False
        self._writing = False
        self._tick_is_open = False
        self._in_batch = False
        self._in_wake = False
        self._wrote_in_wake = False
        # Bytes sent since the loop last had a turn.
        self._turn_bytes = 0
        # Counts the writes to the transport, and their bytes.
        self._writes = 0
        self._written_bytes = 0
        # When the last write was, by `time.monotonic`; 0 before the first.
        self._wrote_at = 0.0
        # Counts the frames that are no message, or no whole one: the rest need no count then.
        self._pings = 0
        self._pongs = 0
        self._closes = 0
        self._continuations = 0
        self._settled: Awaitable = begin(Settled.__new__(Settled), self, False, None, 0)

    def attach(self, write: Callable[[bytes], object]) -> None:
        """Begin to write with a transport's `write`.

        Every block is handed over for good: some transports keep a reference to it.
        """
        self._write = write

    def compress_with(self, deflater: Deflater) -> None:
        """Compress messages from now on."""
        self._deflater = deflater
        self._is_plain = False

    def refuse(self, refusal: Callable[[], BaseException]) -> None:
        """Let sends from now on, and those that wait for a stream's end, raise what this makes."""
        self._refusal = refusal
        if self._held_sends is not None:
            self._held_sends.refuse(refusal)

    def refuses_sends(self) -> bool:
        """Whether nothing more may be sent."""
        return self._refusal is not None

    def check_open(self) -> None:
        """Raise the error of a send if nothing more may be sent."""
        if self._refusal is not None:
            raise self._refusal()

    def detach(self) -> None:
        """Stop writing: the transport is gone. Waits for room end as sends do, see `refuse`."""
        self._is_detached = True
        self._write = None
        self._deflater = None
        self._builder.take()
        if self._held_sends is not None:
            self._held_sends.take()
        self.wake_senders()

    def send(self, opcode: int, payload: contract.Payload, fin: bool, more: bool) -> Awaitable:
        """Add one frame.

        Args:
            opcode: of the frame.
            payload: of the frame, not masked.
            fin: whether the message ends with this frame.
            more: whether the sender is about to send more without suspending, so that
                inside a wake nothing is gained by writing at once. The turn can say so, too.

        Raises:
            TypeError, ValueError: the payload cannot be sent; nothing was added.
        """
        if _is_large(payload) and not self._paused and not self._writing:
            frame = self._builder.frame(opcode, payload, fin)
            self.flush()
            self._turn_bytes += len(frame)
            self._write_block(frame)
        else:
            before = len(self._builder)
            gathered = self._builder.append(opcode, payload, fin)
            self._turn_bytes += gathered - before
            self._leave_or_gather(gathered, more)
        if not self._paused and self._turn_bytes < FLUSH_BYTES:
            return self._settled
        return self._wait_or_yield()

    def send_control(self, opcode: int, payload: bytes, more: bool) -> Awaitable:
        """Add a control frame, and count it; else as `send`."""
        wait = self.send(opcode, payload, True, more)
        if opcode == OPCODE_PING:
            self._pings += 1
        elif opcode == OPCODE_PONG:
            self._pongs += 1
        else:
            self._closes += 1
        return wait

    def messages(self) -> int:
        """Count the messages that were sent: each has one frame that is no continuation."""
        controls = self._pings + self._pongs + self._closes
        return self._builder.frames - controls - self._continuations

    def send_message(
        self, opcode: int, payload: contract.Payload, compress: bool | None, more: bool
    ) -> Awaitable:
        """Add a message in one frame, compressed if `compress` says so; else as `send`.

        Where `_is_plain` says so `send` does the same for less. During a stream it is held.
        """
        if self._held_sends is not None and self._held_sends._is_holding:
            data = bytes(as_bytes(opcode, payload))
            # A `str` stays one: the threshold of compression counts its characters.
            kept = payload if isinstance(payload, str) else data
            return self._hold(opcode, kept, compress, len(data))
        return self._compress_and_send(opcode, payload, compress, more)

    def _compress_and_send(
        self, opcode: int, payload: contract.Payload, compress: bool | None, more: bool
    ) -> Awaitable:
        if self._deflater is not None:
            opcode, payload = self._deflater.message(opcode, payload, compress)
        return self.send(opcode, payload, True, more)

    def send_fragments(
        self, opcode: int, payloads: list[bytes], compress: bool | None
    ) -> Awaitable:
        """Add a message, a frame for each payload, with nothing in between; else as `send`.

        During a stream it is held.
        """
        if payloads and self.is_holding():
            return self._hold(opcode, payloads, compress, sum(map(len, payloads)))
        return self._compress_and_send_fragments(opcode, payloads, compress)

    def _compress_and_send_fragments(
        self, opcode: int, payloads: list[bytes], compress: bool | None
    ) -> Awaitable:
        if self._deflater is not None:
            opcode, payloads = self._deflater.fragments(opcode, payloads, compress)
        wait = self._settled
        self.begin_batch()
        try:
            for index, payload in enumerate(payloads, start=1):
                sent = self.send_fragment(opcode, payload, index == len(payloads), True)
                if sent is not self._settled:
                    wait = sent
                opcode = OPCODE_CONTINUATION
        finally:
            self.end_batch()
        return wait

    def send_fragment(
        self, opcode: int, payload: contract.Payload, fin: bool, more: bool
    ) -> Awaitable:
        """Add one frame of a message that has several, and count it; else as `send`."""
        wait = self.send(opcode, payload, fin, more)
        if opcode == OPCODE_CONTINUATION:
            self._continuations += 1
        return wait

    # -- streams: messages whose fragments come over time --------------------------------

    def _line(self) -> HeldSends:
        if self._held_sends is None:
            self._held_sends = HeldSends(self._loop)
        return self._held_sends

    def stand_in_line(self, stream: object) -> bool:
        """Put a stream in line, unless it is; tell whether it is its turn.

        Raises:
            RuntimeError: as `HeldSends.stand_in_line` does.
        """
        return self._line().stand_in_line(stream)

    def behind(self) -> Awaitable:
        """Return the wait until the first stream in line has left; there must be one.

        Its own task cannot wait for that, only for room.
        """
        line = self._line()
        if not line.is_own():
            return begin(Behind.__new__(Behind), self, False, None, line._left + 1)
        return self._wait_or_yield() if self._paused else self._settled

    def begin_stream(
        self, first: bytes | memoryview, compress: bool | None
    ) -> Callable[[bytes | memoryview], bytes] | None:
        """Hold messages from now on; return what compresses the stream, as `Deflater.begin`."""
        self._is_plain = False
        self._line().begin()
        return None if self._deflater is None else self._deflater.begin(first, compress)

    def end_stream(self, stream: object) -> None:
        """Add what was held, and make room for the next stream."""
        line = self._line()
        # What is sent from inside the transport's `write` follows in order.
        while messages := line.take():
            for opcode, payload, compress in messages:
                if isinstance(payload, list):
                    self._compress_and_send_fragments(opcode, payload, compress)
                else:
                    self._compress_and_send(opcode, payload, compress, True)
        self._is_plain = self._deflater is None
        line.leave(stream)

    def leave_line(self, stream: object) -> None:
        """Make room for the next stream: this one was not begun."""
        if self._held_sends is not None:
            self._held_sends.leave(stream)

    def is_holding(self) -> bool:
        """Whether a stream has begun and not ended: then messages are held."""
        return self._held_sends is not None and self._held_sends._is_holding

    def _hold(
        self, opcode: int, payload: str | bytes | list[bytes], compress: bool | None, size: int
    ) -> Awaitable:
        self._line().add(opcode, payload, compress, size)
        return self.behind()

    # -- when it leaves -------------------------------------------------------------------

    def settled(self) -> Awaitable:
        """Return the wait that `send` returns when there is nothing to wait for."""
        return self._settled

    def _leave_or_gather(self, gathered: int, more: bool) -> None:
        if self._in_batch:
            if gathered < FLUSH_BYTES:
                return
        elif self._in_wake:
            more = more or self._turn.more_wait
            if gathered < FLUSH_BYTES and (more or self._wrote_in_wake):
                return
            self._wrote_in_wake = True
        elif self._tick_is_open:
            if gathered < FLUSH_BYTES:
                return
        else:
            self._open_tick()
        self.flush()

    def _open_tick(self) -> None:
        self._tick_is_open = True
        self._loop.call_soon(self._end_tick)

    def _end_tick(self) -> None:
        self._tick_is_open = False
        self._turn_bytes = 0
        self.flush()

    def _wait_or_yield(self) -> Awaitable:
        return begin(Draining.__new__(Draining), self, not self._paused, None, 0)

    def begin_wake(self) -> None:
        """Gather from now on what a task sends that is resumed in place."""
        self._in_wake = True
        self._wrote_in_wake = False
        self._turn_bytes = 0

    def end_wake(self) -> None:
        """Write what was gathered since `begin_wake`."""
        self._in_wake = False
        self.flush()

    def begin_batch(self) -> None:
        """Gather what is sent up to `end_batch` as if it were one message."""
        self._in_batch = True

    def end_batch(self) -> None:
        """Treat what was gathered since `begin_batch` as one send."""
        self._in_batch = False
        gathered = len(self._builder)
        if gathered:
            self._leave_or_gather(gathered, False)

    def flush(self) -> None:
        """Write what is gathered, unless the transport is full."""
        if not self._writing and not self._paused and len(self._builder):
            self._write_block(self._builder.take())

    def _write_block(self, block: bytes) -> None:
        """Write; what is sent from inside the transport's `write` follows in order."""
        self._writing = True
        try:
            if self._write is not None:
                self._writes += 1
                self._written_bytes += len(block)
                self._wrote_at = monotonic()
                self._write(block)
            while len(self._builder) and not self._paused and self._write is not None:
                block = self._builder.take()
                self._writes += 1
                self._written_bytes += len(block)
                self._write(block)
        finally:
            self._writing = False

    def drained(self) -> Awaitable:
        """Write what is gathered; return the wait for room, and for what is held to leave."""
        self.flush()
        if self._held_sends is not None and self._held_sends._messages:
            return self.behind()
        if not self._paused and self._turn_bytes < FLUSH_BYTES and not self._is_detached:
            return self._settled
        return self._wait_or_yield()

    def gathered(self) -> int:
        """Count the bytes that no transport was given yet, those of held messages included."""
        held = 0 if self._held_sends is None else self._held_sends._bytes
        return len(self._builder) + held

    def is_paused(self) -> bool:
        """Whether the transport is over its high-water mark."""
        return self._paused

    def pause_writing(self) -> None:
        """The transport is over its high-water mark: gather, and let senders wait."""
        self._paused = True

    def resume_writing(self) -> None:
        """The transport has room again: write what gathered."""
        self._paused = False
        self.flush()

    def _add_waiter(self) -> Waiter:
        waiter = suspend(self._loop)
        self._waiters.append(waiter)
        return waiter

    def _remove_waiter(self, waiter: Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def wake_senders(self) -> None:
        """Let senders go on while there is room, or end with an error."""
        while self._waiters and (self._is_detached or not self._paused):
            waiter: Waiter = self._waiters.pop(0)
            if not waiter.done():
                waiter.wake()

    def _raise_if_lost(self) -> None:
        if self._is_detached:
            self.check_open()
