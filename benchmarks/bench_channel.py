"""The message queue, the awaitables that take messages from it, and those that send."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from wirespeed._base.queue_rules import QueueRules
from wirespeed._base.rfc6455 import OPCODE_TEXT, frame_header

if TYPE_CHECKING:
    from benchmarks.conftest import Measure, Twin

MESSAGES = 1_000
TEXT = "a" * 64
FRAME = frame_header(OPCODE_TEXT, len(TEXT)) + TEXT.encode()


class NullTransport(asyncio.Transport):
    """Discards everything that is written."""

    def write(self, data: Any) -> None:
        pass


class Line:
    """An open channel; the benchmark makes its reads."""

    def __init__(self, twin: Twin) -> None:
        self.loop = asyncio.new_event_loop()
        self.channel = twin.channel.Channel(
            self.loop,
            twin.codec.MessageParser(),
            twin.codec.FrameBuilder(),
            closing=Mock(),
            watch=Mock(),
            queue=QueueRules(max_queue=None, max_queue_bytes=None),
            loads=None,
        )
        # Without an opening handshake, the connection is open at once.
        self.protocol = twin.channel.BufferedChannelProtocol(self.channel, None, None, None)
        self.channel._open(NullTransport(), Mock(compression=None))
        # No event loop runs that could parse the rest of a read.
        self.channel._parser.slice_frames = sys.maxsize

    def read(self, count: int = 1) -> None:
        """Let `count` messages arrive in one read."""
        memory = self.protocol.get_buffer(-1)
        data = FRAME * count
        memory[: len(data)] = data
        self.protocol.buffer_updated(len(data))

    def call(self, function: Callable[[], None]) -> None:
        """Call `function` from the loop, outside of any task, like a transport's callback."""
        called: asyncio.Future[None] = self.loop.create_future()

        def call() -> None:
            try:
                function()
                called.set_result(None)
            except Exception as exc:
                called.set_exception(exc)

        self.loop.call_soon(call)
        self.loop.run_until_complete(called)


@pytest.fixture
def line(twin: Twin) -> Iterator[Line]:
    """Yield an open channel."""
    line = Line(twin)
    yield line
    line.loop.close()


def drive(make: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine that never has to wait, without the cost of a task and the loop."""
    coroutine = make()
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


def test_receive_nowait(measure: Measure, line: Line) -> None:
    def take() -> None:
        receive_nowait = line.channel.receive_nowait
        for _ in range(MESSAGES):
            receive_nowait()

    measure(take, prepare=partial(line.read, MESSAGES), messages=MESSAGES)


@pytest.mark.parametrize("limit", [1, 16])
def test_pop_many(measure: Measure, line: Line, limit: int) -> None:
    inbox = line.channel._inbox

    def take() -> None:
        pop_many = inbox.pop_many
        while pop_many(limit):
            pass

    measure(take, prepare=partial(line.read, MESSAGES), messages=MESSAGES)


def test_read_and_pop_all(measure: Measure, line: Line) -> None:
    """All messages of a read become one list."""
    inbox = line.channel._inbox

    def take() -> None:
        line.read(MESSAGES)
        inbox.pop_many(0)

    measure(take, messages=MESSAGES)


@pytest.mark.parametrize("method", ["receive", "receive_text"])
def test_await_ready(measure: Measure, line: Line, method: str) -> None:
    receive = getattr(line.channel, method)

    async def take() -> None:
        for _ in range(MESSAGES):
            await receive()

    prepare = partial(line.read, MESSAGES)
    measure(drive, take, prepare=prepare, messages=MESSAGES)


def test_iterate_over_ready(measure: Measure, line: Line) -> None:
    async def take() -> None:
        left = MESSAGES
        async for _message in line.channel:
            left -= 1
            if not left:
                break

    prepare = partial(line.read, MESSAGES)
    measure(drive, take, prepare=prepare, messages=MESSAGES)


def test_suspend_and_wake(measure: Measure, line: Line) -> None:
    """A task waits for each message; a read brings it and resumes the task."""
    taken = 0

    async def consume() -> None:
        nonlocal taken
        receive = line.channel.receive_text
        while True:
            await receive()
            taken += 1

    def arrive() -> None:
        before = taken
        read = line.read
        for _ in range(MESSAGES):
            read()
        assert taken == before + MESSAGES

    consumer = line.loop.create_task(consume())
    line.call(lambda: None)
    line.call(lambda: measure(arrive, messages=MESSAGES))
    consumer.cancel()
    line.loop.run_until_complete(asyncio.wait([consumer]))


def test_send(measure: Measure, line: Line) -> None:
    """A loop of sends: frames are gathered, and written 64 KiB at a time."""

    async def send() -> None:
        send_text = line.channel.send_text
        for _ in range(MESSAGES):
            await send_text(TEXT)

    line.call(lambda: measure(drive, send, messages=MESSAGES))
