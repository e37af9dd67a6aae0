"""Hundreds of clients lose one server, and come back soon after it, but not all at once.

The connections are real. Time passes only in pauses, and each client has its own clock and its own
random numbers, so that the pauses are the same in every run.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

import pytest
from outages import reserved_port, serving
from websockets.asyncio.server import ServerConnection

import wirespeed
from wirespeed import ConnectionDisconnected
from wirespeed._opening import backoff, reconnecting

CLIENTS: Final = 800

# Both ends of each connection are sockets of this process; the rest is for pytest and the loop.
DESCRIPTORS: Final = 2 * CLIENTS + 200

# The connections that are lost have lasted for this many seconds, so they were good ones.
LIFETIME_SECONDS: Final = 100.0


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Let the process open enough sockets."""
    if sys.platform == "win32":
        yield
        return
    import resource

    before, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < DESCRIPTORS:
        pytest.skip(f"the limit of open files is {limit}, the test needs {DESCRIPTORS}")
    if before < DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, limit))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, limit))


@dataclass
class Time:
    """The clock of one client.

    Attributes:
        random: the client's random numbers.
        now: the time in seconds.
        attempts: how many pauses there were, each of them before an attempt.
    """

    random: random.Random
    now: float = 0.0
    attempts: int = 0


@dataclass
class Outage:
    """A server that is down for some seconds of each client's time.

    Attributes:
        seconds: for how long it is down.
        is_over: set when the server is up again.
        all_late: set when the next attempt of each client comes after the outage.
        late: how many clients have got so far.
    """

    seconds: float
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    all_late: asyncio.Event = field(default_factory=asyncio.Event)
    late: int = 0

    async def sleep(self, seconds: float) -> None:
        """Take the place of `asyncio.sleep` in reconnecting."""
        time = _time.get()
        time.now += seconds
        time.attempts += 1
        if time.now < LIFETIME_SECONDS + self.seconds:
            await asyncio.sleep(0)
            return
        self.late += 1
        if self.late == CLIENTS:
            self.all_late.set()
        await self.is_over.wait()


_time: ContextVar[Time] = ContextVar("time")


def draw(low: float, high: float) -> float:
    """Take the place of `random.uniform`."""
    return _time.get().random.uniform(low, high)


async def stay(connection: ServerConnection) -> None:
    await connection.wait_closed()


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Outage:
    """Give every client its own time and its own random numbers."""
    # A failure is not explained by thousands of refused attempts.
    caplog.set_level("ERROR", "wirespeed")
    outage = Outage(4)
    monkeypatch.setattr(reconnecting, "_sleep", outage.sleep)
    monkeypatch.setattr(reconnecting, "_now", lambda: _time.get().now)
    monkeypatch.setattr(backoff, "uniform", draw)
    return outage


# On a busy machine, 1600 openings take half a minute.
@pytest.mark.deadline(240)
@pytest.mark.usefixtures("descriptors")
async def test_all_are_back_within_the_outage_again(outage: Outage) -> None:
    opened = 0
    all_open = asyncio.Event()
    policy = wirespeed.Reconnect()

    async def stay_connected(number: int) -> Time:
        nonlocal opened
        time = Time(random.Random(number))
        _time.set(time)
        connecting = wirespeed.connect(url, reconnect=policy, open_timeout=None, ping_interval=None)
        async with contextlib.aclosing(aiter(connecting)) as connections:
            lost = await anext(connections)
            opened += 1
            if opened == CLIENTS:
                all_open.set()
            with contextlib.suppress(ConnectionDisconnected):
                await lost.receive()
            time.now = LIFETIME_SECONDS
            await (await anext(connections)).close()
        return time

    with reserved_port() as port:
        url = f"ws://127.0.0.1:{port}/"
        async with asyncio.TaskGroup() as group:
            async with serving(stay, port, backlog=CLIENTS):
                tasks = [group.create_task(stay_connected(number)) for number in range(CLIENTS)]
                await all_open.wait()
            await outage.all_late.wait()
            async with serving(stay, port, backlog=CLIENTS):
                outage.is_over.set()
                times = [await task for task in tasks]
    waits = [time.now - LIFETIME_SECONDS - outage.seconds for time in times]
    assert min(waits) >= 0
    assert max(waits) <= outage.seconds + policy.initial
    seconds = Counter(int(wait) for wait in waits)
    assert max(seconds.values()) < CLIENTS / 2
    # Short pauses have a price: what the clients ask of the server while it is down.
    assert sum(time.attempts for time in times) < 6 * CLIENTS
