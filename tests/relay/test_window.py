"""The window keeps the order of the records on each connection of a sink."""

from __future__ import annotations

import asyncio

import pytest

from wirespeed.relay import Progress, Record
from wirespeed.relay._window import Window


def record(number: int) -> Record:
    return Record(
        feed="a",
        subject="feeds.a",
        data=b"",
        is_text=False,
        message_id=f"a:{number}",
        connection="c",
        sequence=number,
        received_at=0.0,
    )


class Lossy:
    """A sink whose connection can be lost: the next call fails, the one after it connects."""

    def __init__(self) -> None:
        self.connections: list[list[int]] = [[]]
        self.futures: list[asyncio.Future[None]] = []
        self.is_lost = False
        self.held: asyncio.Event | None = None
        self.sent = asyncio.Condition()

    async def publish(self, sent: Record) -> asyncio.Future[None]:
        """Send on the open connection."""
        if self.is_lost:
            self.is_lost = False
            self.connections.append([])
            raise ConnectionError("lost")
        connection = self.connections[-1]
        if self.held is not None:
            await self.held.wait()
        connection.append(sent.sequence)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.futures.append(future)
        async with self.sent:
            self.sent.notify_all()
        return future

    async def wait_for(self, count: int) -> list[int]:
        """Wait until the open connection has got so many records."""
        async with self.sent:
            await self.sent.wait_for(lambda: len(self.connections[-1]) >= count)
        return self.connections[-1]


@pytest.fixture
def sink() -> Lossy:
    return Lossy()


def window_of(sink: Lossy) -> Window:
    return Window(sink.publish, 100, 30.0, lambda: 0.0)


async def put(window: Window, progress: Progress, number: int) -> None:
    await window.reserve()
    await window.put(record(number), progress)


async def finish(window: Window, sink: Lossy, progress: Progress) -> None:
    """Acknowledge all until nothing is missing."""
    while progress.unacknowledged:
        for future in sink.futures:
            if not future.done():
                future.set_result(None)
        await asyncio.sleep(0.001)
    assert await window.drain(1) == 0


async def test_a_new_connection_begins_with_all_that_is_not_acknowledged(sink: Lossy) -> None:
    window, progress = window_of(sink), Progress()
    for number in (1, 2, 3):
        await put(window, progress, number)
    sink.futures[0].set_result(None)
    sink.is_lost = True
    await put(window, progress, 4)
    await put(window, progress, 5)
    assert await sink.wait_for(1) == [2]
    await finish(window, sink, progress)
    assert sink.connections == [[1, 2, 3], [2, 3, 4, 5]]


async def test_the_first_one_goes_alone_after_a_failure(sink: Lossy) -> None:
    window, progress = window_of(sink), Progress()
    for number in (1, 2, 3):
        await put(window, progress, number)
    sink.is_lost = True
    await put(window, progress, 4)
    await sink.wait_for(1)
    # Nobody else is let in before this one is settled; the next try is the same one again.
    assert sink.connections[-1] == [1]
    sink.futures[-1].set_exception(ConnectionError("not ready"))
    assert await sink.wait_for(2) == [1, 1]
    await finish(window, sink, progress)
    assert sink.connections[-1] == [1, 1, 2, 3, 4]


async def test_a_call_under_way_is_waited_for(sink: Lossy) -> None:
    window, progress = window_of(sink), Progress()
    await put(window, progress, 1)
    sink.held = asyncio.Event()
    slow = asyncio.create_task(put(window, progress, 2))
    await asyncio.sleep(0)
    sink.is_lost = True
    await put(window, progress, 3)
    assert sink.connections[-1] == []
    sink.held.set()
    await slow
    sink.held = None
    await sink.wait_for(1)
    await finish(window, sink, progress)
    assert sink.connections == [[1, 2], [1, 2, 3]]


async def test_nothing_is_sent_after_the_end(sink: Lossy) -> None:
    window, progress = window_of(sink), Progress()
    await put(window, progress, 1)
    assert await window.drain(0) == 1
    sink.futures[0].set_exception(ConnectionError("closed"))
    # A task that tried again would be left behind, which fails the test.
    await asyncio.sleep(0)
    assert sink.connections == [[1]]
