"""One timer serves the timeouts of all receives of a connection."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest
from channel.scripted import Wire, text, turns

from wirespeed import ConnectionDisconnected, ReadTimeout
from wirespeed._codec import backend
from wirespeed._timers import Call, call_at

QUEUES = pytest.mark.parametrize("options", [{}, {"text_queue_maxsize": 9}], ids=["queue", "lanes"])


class WatchedTimer:
    """A timer that knows whether it was cancelled."""

    def __init__(self, timer: Call) -> None:
        self._timer = timer
        self.is_cancelled = False

    def cancel(self) -> None:
        """Cancel the timer."""
        self._timer.cancel()
        self.is_cancelled = True


def watch_timers(monkeypatch: pytest.MonkeyPatch) -> list[WatchedTimer]:
    """Return the list of the timers that are set from now on."""
    timers: list[WatchedTimer] = []

    def note(*arguments: Any) -> WatchedTimer:
        timers.append(WatchedTimer(call_at(*arguments)))
        return timers[-1]

    channel = "_channel_c" if backend.COMPILED else "_channel"
    module = importlib.import_module(f"wirespeed.{channel}.receive.deadlines")
    monkeypatch.setattr(module, "call_at", note)
    return timers


@QUEUES
async def test_receives_share_a_timer(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(**options)
    timers = watch_timers(monkeypatch)
    for number in range(5):
        task = asyncio.create_task(wire.connection.receive_text(timeout=30))
        await turns()
        wire.feed(text(str(number)))
        assert await task == str(number)
    assert len(timers) == 1
    # One that ends earlier needs a timer of its own.
    with pytest.raises(ReadTimeout):
        await wire.connection.receive_text(timeout=0.001)
    assert len(timers) == 2
    assert timers[0].is_cancelled


@QUEUES
async def test_nothing_is_left_of_the_timer_at_the_end(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(**options)
    timers = watch_timers(monkeypatch)
    task = asyncio.create_task(wire.connection.receive_text(timeout=30))
    await turns()
    (timer,) = timers
    assert not timer.is_cancelled
    wire.connection.abort()
    with pytest.raises(ConnectionDisconnected):
        await task
    assert timer.is_cancelled


@QUEUES
async def test_each_receive_has_its_own_time(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    over: list[float] = []

    async def wait(seconds: float) -> None:
        with pytest.raises(ReadTimeout, match=f"within {seconds} seconds"):
            await wire.connection.receive_text(timeout=seconds)
        over.append(seconds)

    times = [0.02, 0.001, 0.03, 0.01, 0.03]
    await asyncio.gather(*map(wait, times))
    assert over == sorted(times)


@QUEUES
async def test_the_time_of_a_receive_that_is_cancelled_is_forgotten(
    options: dict[str, Any],
) -> None:
    wire = Wire(**options)
    tasks = [
        asyncio.create_task(wire.connection.receive_text(timeout=seconds))
        # Long enough for the first to be cancelled before, also on a busy machine.
        for seconds in (0.3, 0.301)
    ]
    await turns()
    tasks[0].cancel()
    with pytest.raises(ReadTimeout):
        await tasks[1]
    assert tasks[0].cancelled()
    wire.feed(text("1"))
    assert await wire.connection.receive_text() == "1"


@QUEUES
async def test_a_receive_may_begin_while_another_ends(options: dict[str, Any]) -> None:
    """The task is resumed within the timer, and waits again at once."""
    wire = Wire(**options)
    for _ in range(3):
        with pytest.raises(ReadTimeout):
            await wire.connection.receive_text(timeout=0.001)
    wire.feed(text("1"))
    assert await wire.connection.receive_text(timeout=0.001) == "1"


async def test_a_stream_and_a_receive_share_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    timers = watch_timers(monkeypatch)
    frame = text("abc")
    wire.feed(frame[:3])
    stream = wire.connection.receive_stream(timeout=30)
    chunks = [await anext(stream)]
    waiting = asyncio.ensure_future(anext(stream))
    await turns()
    wire.feed(frame[3:])
    chunks.append(await waiting)
    assert "".join(map(str, chunks)) == "abc"
    with pytest.raises(ReadTimeout):
        await wire.connection.receive_text(timeout=0.001)
    assert len(timers) == 2
