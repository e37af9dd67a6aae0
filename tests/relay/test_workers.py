"""Worker processes are started again, and their figures add up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from relay.exchange import Exchange
from relay.jetstream import FOUND, MISSING, JetStream

from wirespeed import Reconnect
from wirespeed.relay import Feed, FeedStatus, NatsSettings, Progress, Settings, Workers
from wirespeed.relay._workers import add_up

pytestmark = [pytest.mark.loops("asyncio"), pytest.mark.deadline(60)]
needs_server = pytest.mark.skipif(not FOUND, reason=MISSING)

SOON = Reconnect(initial=0.01, maximum=0.1)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the figures, which come every second, say so."""
    while not condition():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(workers: Workers) -> AsyncIterator[asyncio.Task[None]]:
    """Run workers, and stop them."""
    task = asyncio.create_task(workers.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ExceptionGroup):
            await task


@needs_server
async def test_a_killed_worker_is_started_again_and_its_figures_stay(tmp_path: Path) -> None:
    server = JetStream(tmp_path)
    await server.start()
    try:
        async with Exchange() as exchange:
            feed = Feed(name="a", url=exchange.url("a"), reconnect=SOON)
            where = NatsSettings(servers=[server.url], subjects=["feeds.>"])
            workers = Workers(Settings(feeds=(feed,), nats=where, workers=1))
            async with running(workers):
                await exchange.wait_for("a", 1)
                exchange.send("a", 10)
                await until(lambda: published(workers) == 10)
                pid = workers.workers[0].pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                await exchange.wait_for("a", 0)
                await exchange.wait_for("a", 1)
                assert workers.restarts == 1
                assert workers.workers[0].pid not in (None, pid)
                exchange.send("a", 5)
                await until(lambda: published(workers) == 15)
                [status] = workers.status()
                assert (status.messages, status.connections) == (15, 2)
                assert status.connected
            await exchange.wait_for("a", 0)
        assert len(await server.messages()) == 15
    finally:
        await server.stop()


def published(workers: Workers) -> int:
    return sum(status.progress.published for status in workers.status())


async def test_a_worker_that_dies_at_once_has_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    workers = Workers(Settings(feeds=(Feed(name="a", url="ws://127.0.0.1:1/"),), workers=1))
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    with monkeypatch.context() as patched:
        patched.setattr("wirespeed.relay._workers.asyncio.sleep", note)
        async with running(workers):
            while workers.restarts < 9:
                await sleep(0.001)
    assert pauses[:9] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


@needs_server
async def test_a_stream_that_is_missing_ends_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = JetStream(tmp_path)
    await server.start()
    try:
        feed = Feed(name="a", url="ws://127.0.0.1:1/")
        where = NatsSettings(servers=[server.url], stream="NONE")
        with pytest.raises(ExceptionGroup) as caught:
            await Workers(Settings(feeds=(feed,), nats=where, workers=1)).run()
    finally:
        await server.stop()
    [error] = caught.value.exceptions
    assert str(error) == "worker 0 cannot go on"
    assert "JetStream has no stream NONE" in capfd.readouterr().err


def test_figures_of_a_feed_are_added_up() -> None:
    one = FeedStatus("a", True, 1, 10, 100, 2, 3, "", Progress(8, 80, 1, 4, 1, 0.5))
    two = FeedStatus("a", False, 2, 20, 200, 4, 6, "refused", Progress(16, 160, 2, 8, 2, 0.25))
    progress = Progress(24, 240, 3, 12, 3, 0.5)
    assert add_up([one, None, two]) == FeedStatus("a", True, 3, 30, 300, 6, 9, "refused", progress)
