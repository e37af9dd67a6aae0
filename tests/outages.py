"""Time that passes when the test says so, and servers that come and go on one port.

Must not know what a test makes of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve as websockets_serve

import wirespeed
from wirespeed._opening import backoff, reconnecting

# Longer than any delay of a test, so that it is told apart from those.
LIFETIME = 1_000_000.0


@dataclass
class Clock:
    """The time that reconnecting goes by.

    Attributes:
        delays: how long it slept each time; lifetimes are not among them.
        lifetimes: how long it was told to sleep for those.
        before_waking: called at the end of each such sleep.
        now: the time in seconds.
        lifetime_over: lets those wait end that wait for `LIFETIME`.
    """

    delays: list[float] = field(default_factory=list)
    lifetimes: list[float] = field(default_factory=list)
    before_waking: Callable[[], Awaitable[None]] | None = None
    now: float = 0.0
    lifetime_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        """Take the place of `asyncio.sleep`."""
        if seconds > LIFETIME / 2:
            self.lifetimes.append(seconds)
            await self.lifetime_over.wait()
            return
        self.delays.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds
        if self.before_waking is not None:
            await self.before_waking()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time pass only in sleeps, and draw the longest delay each time."""
    clock = Clock()
    monkeypatch.setattr(reconnecting, "_sleep", clock.sleep)
    monkeypatch.setattr(reconnecting, "_now", lambda: clock.now)
    monkeypatch.setattr(backoff, "uniform", lambda low, high: high)
    return clock


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port of 127.0.0.1 that nobody else gets, and that refuses while no server is on it."""
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reservation.bind(("127.0.0.1", 0))
        yield reservation.getsockname()[1]


@contextlib.asynccontextmanager
async def opened(
    url: str, policy: wirespeed.Reconnect, **options: Any
) -> AsyncIterator[wirespeed.WebSocketConnection]:
    """Give the first connection that is opened, closed at the end of the block."""
    connecting = wirespeed.connect(url, reconnect=policy, **options)
    async with contextlib.aclosing(aiter(connecting)) as connections:
        yield await anext(connections)


@contextlib.asynccontextmanager
async def serving(
    handle: Callable[[ServerConnection], Awaitable[None]], port: int = 0
) -> AsyncIterator[str]:
    """Start a server of the package `websockets`; give its URL."""
    async with websockets_serve(
        handle, "127.0.0.1", port, reuse_port=True, compression=None, ping_interval=None
    ) as server:
        bound = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{bound}/feed"


@contextlib.asynccontextmanager
async def refusing(*answers: tuple[int, dict[str, str]]) -> AsyncIterator[tuple[str, list[int]]]:
    """Start a server of the package `aiohttp` that refuses; then it says "hello" and closes.

    Args:
        answers: status and headers of each refusal.

    Yields:
        Its URL, and the status of each answer that it gave.
    """
    given: list[int] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if len(given) < len(answers):
            status, headers = answers[len(given)]
            given.append(status)
            return web.Response(status=status, headers=headers)
        given.append(101)
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_str("hello")
        await connection.close()
        return connection

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/feed", given
    finally:
        await runner.cleanup()
