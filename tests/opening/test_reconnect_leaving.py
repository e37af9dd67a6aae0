"""Leaving `async for` over `connect(...)` while another connection is being opened.

No test waits for real time: the `clock` fixture decides when a lifetime is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest
from ends import close_frame, collect
from outages import LIFETIME, Clock, clock
from rawserver import RawConnection, raw_server

import wirespeed
from wirespeed import ConnectionDisconnected, Reconnect, WebSocketConnection

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("transports", "clock")

RENEWING = Reconnect(initial=1, max_lifetime=LIFETIME)


class Attempts:
    """A server that accepts the first connection, and leaves all others without an answer.

    Attributes:
        count: how many connections there were.
        under_way: set once the second connection has sent its request.
    """

    def __init__(self) -> None:
        self.count = 0
        self.under_way = asyncio.Event()

    async def handle(self, connection: RawConnection) -> None:
        """Serve one connection."""
        self.count += 1
        if self.count == 1:
            await connection.accept()
            await self.use(connection)
        else:
            await connection.read_upgrade()
            self.under_way.set()
            # The connection receives nothing more, and the client ends it.
            assert await connection.read_rest() == b""

    async def use(self, connection: RawConnection) -> None:
        """Wait until the client closes the first one."""
        assert await connection.expect_close() == (1000, "")
        await connection.write(close_frame(1000))


@pytest.mark.parametrize("way", ["break", "return", "error", "aclose", "cancel"])
async def test_leaving_during_an_attempt(way: str, clock: Clock) -> None:
    attempts = Attempts()

    async def use(url: str) -> None:
        connections = aiter(wirespeed.connect(url, reconnect=RENEWING, open_timeout=None))
        async with contextlib.AsyncExitStack() as stack:
            if way == "cancel":
                # The error's traceback holds the iterator for as long as the error lives.
                await stack.enter_async_context(contextlib.aclosing(connections))
            async for ws in connections:
                clock.lifetime_over.set()
                await attempts.under_way.wait()
                assert not ws.closed
                if way == "break":
                    break
                if way == "return":
                    return
                if way == "error":
                    raise KeyError
                if way == "aclose":
                    await connections.aclose()
                    assert repr(ws) == "<WebSocketConnection closed>"
                else:
                    own = asyncio.current_task()
                    assert own is not None
                    own.cancel()
                    await ws.receive()

    async with raw_server(attempts.handle, connections=2) as url:
        task = asyncio.create_task(use(url))
        with contextlib.suppress(KeyError, asyncio.CancelledError):
            await task
        # The task's error does so too.
        del task
        gc.collect()
    assert attempts.count == 2


async def test_cancelling_an_attempt_after_a_loss() -> None:
    used: list[WebSocketConnection] = []

    class Losing(Attempts):
        """A server that loses the first connection."""

        async def use(self, connection: RawConnection) -> None:
            await connection.read_frame()
            connection.reset()

    async def use(url: str) -> None:
        async for ws in wirespeed.connect(url, open_timeout=None):
            used.append(ws)
            await ws.send_text("reset, please")
            with pytest.raises(ConnectionDisconnected):
                await collect(ws)

    attempts = Losing()
    async with raw_server(attempts.handle, connections=2) as url:
        task = asyncio.create_task(use(url))
        await attempts.under_way.wait()
        # A lost connection closes at once, which does not end the attempt.
        await used[0].close()
        await used[0].wait_closed()
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (attempts.count, len(used)) == (2, 1)
