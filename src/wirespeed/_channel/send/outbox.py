"""The outgoing buffer: gathers frames without delay, writes them in order, and makes senders wait.

Does not decide when a connection ends.
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
    from ..owner import ClosingState

# Gathered frames are written when they reach this many bytes. A sender that never suspends gives
# the event loop a turn after as many.
FLUSH_BYTES = 64 * 1024
# A payload of this size is masked into separate memory, not copied through the buffer.
LARGE_BYTES = 64 * 1024


def _is_large(payload: contract.Payload) -> bool:
    return isinstance(payload, (str, bytes, bytearray, memoryview)) and len(payload) >= LARGE_BYTES


class Settled(Awaitable):
    """The wait of a send that has nothing to wait for; one object serves any number of sends."""

    def __next__(self) -> Waiter | None:
        raise StopIteration

    def _forget(self) -> None:
        pass


use_send_slot(Settled)


class Draining(Awaitable):
    """The wait of a send until the event loop has had a turn, or the transport has room.

    Dropping or cancelling the wait changes nothing: the frame is already on its way. `_option` is
    whether to give the loop a turn first.
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
    """The wait of a send behind a stream: until the stream has ended, then as any other send.

    Dropping or cancelling it changes nothing: a message stays held. `_limit` is the number of
    streams that must have left the line.
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

    The first send of a turn of the event loop is written at once. Later sends of the same turn are
    gathered and written together at its end. The same is true inside a wake, which ends when the
    woken tasks have suspended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        builder: contract.FrameBuilder,
        turn: Turn,
        closing: ClosingState,
    ) -> None:
        self._loop = loop
        # Told if a frame is lost, because then nothing can follow it.
        self._closing = closing
        self._builder = builder
        self._turn = turn
        self._deflater: Deflater | None = None
        # What waits behind a stream; `None` before the first stream.
        self._held_sends: HeldSends | None = None
        # Whether `send` suffices for a message: no compression, and no message is held.
        self._is_plain = True
        self._write: Callable[[bytes], object] | None = None
        # Makes the error of sends once nothing more may be sent; whether the transport is closed.
        self._refusal: Callable[[], BaseException] | None = None
        self._is_detached = False
        # Always the same list: the protocol holds it too.
        self._waiters: list[Waiter] = []
        # The channel: a task that waits for room keeps it alive.
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
        # The time of the last write, by `time.monotonic`; 0 before the first.
        self._wrote_at = 0.0
        # Counts control frames and continuations. `messages` subtracts them from all frames, so
        # that plain messages need no counter.
        self._pings = 0
        self._pongs = 0
        self._closes = 0
        self._continuations = 0
        self._settled: Awaitable = begin(Settled.__new__(Settled), self, False, None, 0)

    def attach(self, write: Callable[[bytes], object]) -> None:
        """Begin to write with a transport's `write`, which may keep the blocks that it gets."""
        self._write = write

    def compress_with(self, deflater: Deflater) -> None:
        """Compress messages from now on."""
        self._deflater = deflater
        self._is_plain = False

    def refuse(self, refusal: Callable[[], BaseException]) -> None:
        """Let sends raise the error that `refusal` makes, also those that wait behind a stream."""
        self._refusal = refusal
        if self._held_sends is not None:
            self._held_sends.refuse(refusal)

    def refuses_sends(self) -> bool:
        """Whether nothing more may be sent."""
        return self._refusal is not None

    def check_open(self) -> None:
        """Raise the error of sends if nothing more may be sent."""
        if self._refusal is not None:
            raise self._refusal()

    def detach(self) -> None:
        """Stop writing: the transport is closed. Waits for room raise the error of sends."""
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
            opcode: the frame's opcode.
            payload: the frame's payload, not masked.
            fin: whether the message ends with this frame.
            more: whether the sender will send more without suspending: then, inside a wake, the
                frame is gathered and not written at once. `Turn.more_wait` has the same effect.

        Raises:
            TypeError, ValueError: the payload cannot be sent; nothing was added.
        """
        builder = self._builder
        if _is_large(payload) and not self._paused and not self._writing:
            frame = builder.frame(opcode, payload, fin)
            self.flush()
            self._turn_bytes += len(frame)
            self._write_block(frame)
        else:
            before = len(builder)
            gathered = builder.append(opcode, payload, fin)
            self._turn_bytes += gathered - before
            self._leave_or_gather(gathered, more)
        if not self._paused and self._turn_bytes < FLUSH_BYTES:
            return self._settled
        return self._wait_or_yield()

    def send_control(self, opcode: int, payload: bytes, more: bool) -> Awaitable:
        """Add a control frame, and count it; otherwise like `send`."""
        wait = self.send(opcode, payload, True, more)
        if opcode == OPCODE_PING:
            self._pings += 1
        elif opcode == OPCODE_PONG:
            self._pongs += 1
        else:
            self._closes += 1
        return wait

    def messages(self) -> int:
        """Count the messages that were sent: each has one data frame that is no continuation."""
        controls = self._pings + self._pongs + self._closes
        return self._builder.frames - controls - self._continuations

    def send_message(
        self, opcode: int, payload: contract.Payload, compress: bool | None, more: bool
    ) -> Awaitable:
        """Add a message in one frame, compressed if `compress` says so; otherwise like `send`.

        If `_is_plain` is true, `send` does the same at less cost. During a stream the message is
        held.
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
        if self._deflater is None:
            return self.send(opcode, payload, True, more)
        opcode, payload = self._deflater.message(opcode, payload, compress)
        try:
            return self.send(opcode, payload, True, more)
        except MemoryError:
            self._deflater.forget()
            raise

    def send_fragments(
        self, opcode: int, payloads: list[bytes], compress: bool | None
    ) -> Awaitable:
        """Add a message with a frame for each payload; otherwise like `send_message`."""
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
        except MemoryError:
            # What has begun cannot be finished.
            self._closing.abort()
            raise
        finally:
            self.end_batch()
        return wait

    def send_fragment(
        self, opcode: int, payload: contract.Payload, fin: bool, more: bool
    ) -> Awaitable:
        """Add one frame of a message that has several, and count it; otherwise like `send`."""
        wait = self.send(opcode, payload, fin, more)
        if opcode == OPCODE_CONTINUATION:
            self._continuations += 1
        return wait

    # -- streams -------------------------------------------------------------------------

    def _line(self) -> HeldSends:
        if self._held_sends is None:
            self._held_sends = HeldSends(self._loop)
        return self._held_sends

    def stand_in_line(self, stream: object) -> bool:
        """Put a stream in line, and return whether it is its turn; see `HeldSends`."""
        return self._line().stand_in_line(stream)

    def behind(self) -> Awaitable:
        """Return the wait until the first stream in line has left, for its own task until room."""
        line = self._line()
        if not line.is_own():
            return begin(Behind.__new__(Behind), self, False, None, line._left + 1)
        return self._wait_or_yield() if self._paused else self._settled

    def begin_stream(
        self, first: bytes | memoryview, compress: bool | None
    ) -> Callable[[bytes | memoryview], bytes] | None:
        """Hold messages from now on; return the stream's compressor; see `Deflater.begin`."""
        self._is_plain = False
        self._line().begin()
        return None if self._deflater is None else self._deflater.begin(first, compress)

    def end_stream(self, stream: object) -> None:
        """Add the held messages, and make room for the next stream."""
        try:
            line = self._line()
            # The transport's `write` may send more messages, which are held and follow in order.
            while messages := line.take():
                for opcode, payload, compress in messages:
                    if isinstance(payload, list):
                        self._compress_and_send_fragments(opcode, payload, compress)
                    else:
                        self._compress_and_send(opcode, payload, compress, True)
            self._is_plain = self._deflater is None
            line.leave(stream)
        except MemoryError:
            # Messages whose sends were accepted may be lost.
            self._closing.abort()
            raise

    def leave_line(self, stream: object) -> None:
        """Remove a stream that was not begun, to make room for the next."""
        if self._held_sends is not None:
            self._held_sends.leave(stream)

    def is_holding(self) -> bool:
        """Whether a stream has begun and not ended, so that messages are held."""
        return self._held_sends is not None and self._held_sends._is_holding

    def _hold(
        self, opcode: int, payload: str | bytes | list[bytes], compress: bool | None, size: int
    ) -> Awaitable:
        self._line().add(opcode, payload, compress, size)
        return self.behind()

    # -- writing --------------------------------------------------------------------------

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
        # First what can fail: a tick that never ends would gather for ever.
        self._loop.call_soon(self._end_tick)
        self._tick_is_open = True

    def _end_tick(self) -> None:
        self._tick_is_open = False
        self._turn_bytes = 0
        self._flush_or_abort()

    def _wait_or_yield(self) -> Awaitable:
        return begin(Draining.__new__(Draining), self, not self._paused, None, 0)

    def begin_wake(self) -> None:
        """Gather from now on the sends of tasks that are resumed in place."""
        self._in_wake = True
        self._wrote_in_wake = False
        self._turn_bytes = 0

    def end_wake(self) -> None:
        """Write what was gathered since `begin_wake`."""
        self._in_wake = False
        self.flush()

    def begin_batch(self) -> None:
        """Gather what is sent until `end_batch`, as if it were one send."""
        self._in_batch = True

    def end_batch(self) -> None:
        """Write or gather what was sent since `begin_batch`, like one send."""
        self._in_batch = False
        gathered = len(self._builder)
        if gathered:
            self._leave_or_gather(gathered, False)

    def flush(self) -> None:
        """Write what was gathered, unless the transport is full."""
        if not self._writing and not self._paused and len(self._builder):
            self._write_block(self._builder.take())

    def _flush_or_abort(self) -> None:
        """Write what was gathered; without memory, end the connection: nobody would write it."""
        try:
            self.flush()
        except MemoryError:
            self._closing.abort()
            raise

    def _write_block(self, block: bytes) -> None:
        """Write `block`, and then, in order, what was sent from inside the transport's `write`."""
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
        except MemoryError:
            # The stream may have a gap.
            self._closing.abort()
            raise
        finally:
            self._writing = False

    def drained(self) -> Awaitable:
        """Write what was gathered; return the wait for room, and for held messages to leave."""
        self.flush()
        if self._held_sends is not None and self._held_sends._messages:
            return self.behind()
        if not self._paused and self._turn_bytes < FLUSH_BYTES and not self._is_detached:
            return self._settled
        return self._wait_or_yield()

    def gathered(self) -> int:
        """Count the bytes not yet given to a transport, those of held messages included."""
        held = 0 if self._held_sends is None else self._held_sends._bytes
        return len(self._builder) + held

    def is_paused(self) -> bool:
        """Whether the transport is over its high-water mark."""
        return self._paused

    def pause_writing(self) -> None:
        """Gather, and make senders wait: the transport is over its high-water mark."""
        self._paused = True

    def resume_writing(self) -> None:
        """Write what was gathered: the transport has room again."""
        self._paused = False
        self._flush_or_abort()

    def _add_waiter(self) -> Waiter:
        waiter = suspend(self._loop)
        self._waiters.append(waiter)
        return waiter

    def _remove_waiter(self, waiter: Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def wake_senders(self) -> None:
        """Wake senders while there is room; if the transport is closed, they raise an error."""
        while self._waiters and (self._is_detached or not self._paused):
            waiter: Waiter = self._waiters[0]
            if not waiter.done():
                waiter.wake()
            # Last, so that it cannot get lost; its task may have removed it.
            if self._waiters and self._waiters[0] is waiter:
                self._waiters.pop(0)

    def _raise_if_lost(self) -> None:
        if self._is_detached:
            self.check_open()
