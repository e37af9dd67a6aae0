"""A whole connection on a transport in memory: any order of calls and callbacks against a model.

The model knows what was fed and what was handed over. It does not predict which receiver gets which
message, nor in how many writes frames leave.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import reference
from channel.scripted import SETTLED_TURNS, Wire, client_frames, in_callback, turns
from rawserver import CLOSE, PING, PONG, TEXT, close_payload

from fuzz.loop import run
from fuzz.source import Source
from wirespeed import ConnectionDisconnected, ProtocolError, QueueOverflow, ReadTimeout

_QUEUES = (None, 1, 3, 100)
_BYTES = (None, 1, 50, 10_000)
_OVERFLOWS = ("pause", "pause", "drop_oldest", "drop_newest", "close")
_ENDS = (ConnectionDisconnected, ProtocolError, QueueOverflow)
_MOST_TASKS = 6
_MOST_STEPS = 60


def one_input(data: bytes) -> None:
    """Play one script."""
    run(_play(Source(data)))


async def _play(source: Source) -> None:
    game = _Game(source)
    steps = list(game.steps())
    for _ in range(_MOST_STEPS):
        if not len(source):
            break
        code = source.byte()
        step = steps[code % len(steps)]
        # A transport's callbacks run in no task. Some transports call inside of others' calls.
        if code & 0x80:
            step()
        else:
            await in_callback(step)
        if code & 0x40:
            await turns(1 + code % SETTLED_TURNS)
    await game.end()


class _Game:
    """One connection, and the model of what it has been given."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.overflow = source.one_of(_OVERFLOWS)
        self.wire = Wire(
            max_queue=source.one_of(_QUEUES),
            max_queue_bytes=source.one_of(_BYTES),
            overflow=self.overflow,
            ping_interval=None,
            close_timeout=5,
        )
        # Frames that the peer has written and the transport has not read yet.
        self.on_the_way = b""
        self.whole_messages = 0
        self.ends: list[int] = []
        self.read_bytes = self.written_bytes = 0
        self.pings: list[bytes] = []
        self.handed_over: list[bytes] = []
        self.batches = 0
        self.shares: list[list[str]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.writing_paused = False
        self.peer_closed = False
        self.at_eof = False
        self.is_lost = False
        self.may_lose = self.overflow != "pause"

    def steps(self) -> tuple[Callable[[], object], ...]:
        """Return every step that a script can take."""
        return (
            self.write_messages,
            self.read_some,
            self.read_all,
            self.receive,
            self.receive_now,
            self.send,
            self.send_many,
            self.cancel,
            self.pause_or_resume,
            self.be_pinged,
            self.ping,
            self.close,
            self.be_closed,
            self.eof,
            self.lose,
            self.garbage,
        )

    def write_messages(self) -> None:
        for _ in range(1 + self.source.below(5)):
            if self.peer_closed:
                return
            self._write(reference.frame(TEXT, b"%d" % len(self.ends)))
            self.ends.append(self.written_bytes)

    def _write(self, data: bytes) -> None:
        self.on_the_way += data
        self.written_bytes += len(data)

    def read_some(self) -> None:
        self._read(1 + self.source.below(32))

    def read_all(self) -> None:
        self._read(len(self.on_the_way))

    def _read(self, size: int) -> None:
        # A transport that was told to pause may still have one read to deliver, but not two.
        if self._nothing_comes() or self._reading_is_paused():
            return
        data, self.on_the_way = self.on_the_way[:size], self.on_the_way[size:]
        self.read_bytes += len(data)
        self.wire.feed(data)

    def _nothing_comes(self) -> bool:
        return self.is_lost or self.at_eof or self.wire.transport.closing

    def _reading_is_paused(self) -> bool:
        return self.wire.transport.pauses > self.wire.transport.resumes

    def receive(self) -> None:
        kind, share = self.source.byte(), list[str]()
        self.shares.append(share)
        receivers: tuple[Callable[[list[str]], Coroutine[Any, Any, None]], ...] = (
            self._receive_one,
            self._receive_all,
            self._receive_many,
            self._receive_streamed,
            self._receive_in_time,
        )
        self._start(receivers[kind % len(receivers)], share)

    async def _receive_one(self, share: list[str]) -> None:
        share.append(await self.wire.connection.receive_text())

    async def _receive_all(self, share: list[str]) -> None:
        # Not `extend`: a cancelled receiver keeps what it has.
        async for data in self.wire.connection:
            share.append(str(data))  # noqa: PERF401

    async def _receive_many(self, share: list[str]) -> None:
        while messages := await self.wire.connection.receive_many():
            share += map(str, messages)

    async def _receive_streamed(self, share: list[str]) -> None:
        chunks = [str(chunk) async for chunk in self.wire.connection.receive_stream()]
        share.append("".join(chunks))

    async def _receive_in_time(self, share: list[str]) -> None:
        with contextlib.suppress(ReadTimeout):
            share.append(await self.wire.connection.receive_text(timeout=0))

    def receive_now(self) -> None:
        with contextlib.suppress(asyncio.QueueEmpty, *_ENDS):
            self.shares.append([str(self.wire.connection.receive_nowait().data)])

    def send(self) -> None:
        self._start(self._send, 1 + self.source.below(4))

    async def _send(self, count: int) -> None:
        for _ in range(count):
            data = b"%d" % len(self.handed_over)
            sending = self.wire.connection.send_text(data)
            # The call has handed the message over. The task waits only for room.
            self.handed_over.append(data)
            await sending

    def send_many(self) -> None:
        self._start(self._send_many, 1 + self.source.below(4))

    async def _send_many(self, count: int) -> None:
        number = self.batches
        self.batches += 1
        await self.wire.connection.send_many(f"{number}:{at}" for at in range(count))

    def cancel(self) -> None:
        running = [task for task in self.tasks if not task.done()]
        if running:
            self.source.one_of(running).cancel()

    def pause_or_resume(self) -> None:
        if self.is_lost or self.wire.transport.closing:
            return
        self.writing_paused = not self.writing_paused
        protocol = self.wire.protocol
        (protocol.pause_writing if self.writing_paused else protocol.resume_writing)()

    def be_pinged(self) -> None:
        self.pings.append(b"%d" % len(self.pings))
        self._write(reference.frame(PING, self.pings[-1]))

    def ping(self) -> None:
        self._start(self._ping)

    async def _ping(self) -> None:
        await (await self.wire.connection.ping(b"?"))

    def close(self) -> None:
        # Messages without room are dropped from now on.
        self.may_lose = True
        code = self.source.one_of((1000, 1001, 3000, 4999))
        self._start(self.wire.connection.close, code, "bye")

    def be_closed(self) -> None:
        self.peer_closed = True
        self._write(reference.frame(CLOSE, close_payload(1000, "")))

    def eof(self) -> None:
        if not self._nothing_comes():
            self.at_eof = True
            self.wire.protocol.eof_received()

    def lose(self) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        self.wire.lose(self.source.one_of((None, ConnectionResetError("reset"), OSError("gone"))))

    def garbage(self) -> None:
        # What follows a fault is ignored, and so is what a frame of garbage swallows.
        self.may_lose = True
        self._write(self.source.take(self.source.below(16)))

    def _start(self, function: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        async def tolerate_ends() -> None:
            with contextlib.suppress(*_ENDS):
                await function(*arguments)

        if sum(not task.done() for task in self.tasks) < _MOST_TASKS:
            self.tasks.append(asyncio.ensure_future(tolerate_ends()))

    async def end(self) -> None:
        """Lose the transport, receive what is left, and compare."""
        await turns()
        if not self.is_lost:
            await in_callback(self.lose)
        await turns()
        left: list[str] = []
        self.shares.append(left)
        with contextlib.suppress(*_ENDS):
            async for data in self.wire.connection:
                left.append(str(data))  # noqa: PERF401
        await self.wire.connection.wait_closed()
        await turns()
        # The loss ends everything that waits, whether it is cancelled or not.
        assert all(task.done() for task in self.tasks), self.tasks
        for task in self.tasks:
            if not task.cancelled():
                task.result()
        self._check_sent()
        self._check_received()

    def _check_sent(self) -> None:
        frames = client_frames(self.wire.written())
        opcodes = [opcode for opcode, _ in frames]
        sent = [payload for opcode, payload in frames if opcode == TEXT]
        texts = [payload for payload in sent if b":" not in payload]
        # A batch waits for room before it goes on, and others' messages may come between.
        for number in range(self.batches):
            batch = [each for each in sent if each.startswith(b"%d:" % number)]
            assert batch == [b"%d:%d" % (number, at) for at in range(len(batch))], batch
        # A message that a closed connection refused was counted as handed over, but not sent.
        assert texts == self.handed_over[: len(texts)], (texts, self.handed_over)
        pongs = iter(self.pings)
        if not self.may_lose:
            assert all(payload in pongs for opcode, payload in frames if opcode == PONG)
        if CLOSE in opcodes:
            assert opcodes.index(CLOSE) == len(opcodes) - 1, opcodes

    def _check_received(self) -> None:
        everything = [data for share in self.shares for data in share]
        if self.may_lose:
            return
        for share in self.shares:
            assert share == sorted(share, key=int), share
        arrived = sum(end <= self.read_bytes for end in self.ends)
        expected = list(map(str, range(arrived)))
        assert sorted(everything, key=int)[: len(expected)] == expected, (everything, arrived)
