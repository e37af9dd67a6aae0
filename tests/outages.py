"""A clock that the test controls, and servers that come and go on one port."""

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

# Longer than any delay in a test, so that `Clock.sleep` can tell lifetimes from delays.
LIFETIME = 1_000_000.0


@dataclass
class Clock:
    """The clock that reconnecting uses.

    Attributes:
        delays: how long each sleep was, without lifetimes.
        lifetimes: how long each sleep for a lifetime was to be.
        before_waking: called at the end of each delay.
        now: the time in seconds.
        lifetime_over: set it to end all sleeps for a lifetime.
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
    """Let time pass only in sleeps, and always draw the longest delay."""
    clock = Clock()
    monkeypatch.setattr(reconnecting, "_sleep", clock.sleep)
    monkeypatch.setattr(reconnecting, "_now", lambda: clock.now)
    monkeypatch.setattr(backoff, "uniform", lambda low, high: high)
    return clock


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a port of 127.0.0.1, which refuses connections while no server listens on it."""
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reservation.bind(("127.0.0.1", 0))
        yield reservation.getsockname()[1]


@contextlib.asynccontextmanager
async def opened(
    url: str, policy: wirespeed.Reconnect, **options: Any
) -> AsyncIterator[wirespeed.WebSocketConnection]:
    """Yield the first connection that is opened; close it when the block ends."""
    connecting = wirespeed.connect(url, reconnect=policy, **options)
    async with contextlib.aclosing(aiter(connecting)) as connections:
        yield await anext(connections)


@contextlib.asynccontextmanager
async def serving(
    handle: Callable[[ServerConnection], Awaitable[None]], port: int = 0, *, backlog: int = 100
) -> AsyncIterator[str]:
    """Start a server of the package `websockets`, and yield its URL.

    Args:
        handle: the server's part of the test.
        port: the port of 127.0.0.1; 0 for one that the system chooses.
        backlog: how many clients may connect in one turn of the loop.
    """
    async with websockets_serve(
        handle,
        "127.0.0.1",
        port,
        backlog=backlog,
        reuse_port=True,
        compression=None,
        open_timeout=None,
        ping_interval=None,
    ) as server:
        bound = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{bound}/feed"


@contextlib.asynccontextmanager
async def refusing(*answers: tuple[int, dict[str, str]]) -> AsyncIterator[tuple[str, list[int]]]:
    """Start a server of the package `aiohttp` that refuses, then accepts, says "hello" and closes.

    Args:
        answers: status and headers of each refusal.

    Yields:
        The server's URL, and the list of the statuses that it has answered with.
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
