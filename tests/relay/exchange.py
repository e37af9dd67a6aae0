"""A fake exchange: feeds of numbered messages, sent to whoever is connected at the time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve


class Exchange:
    """Serves `/NAME` for each feed; a message has the feed's name and a number from 1 up."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._numbers: dict[str, int] = {}
        self._queues: dict[str, dict[ServerConnection, asyncio.Queue[str]]] = {}
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._handle, "127.0.0.1", 0, compression=None, ping_interval=None
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def url(self, feed: str) -> str:
        """Return the address of a feed."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"ws://127.0.0.1:{port}/{feed}"

    def send(self, feed: str, count: int) -> None:
        """Send the next `count` messages of a feed to all that are connected to it."""
        first = self._numbers.get(feed, 0) + 1
        self._numbers[feed] = first + count - 1
        for number in range(first, first + count):
            text = json.dumps({"feed": feed, "number": number})
            for queue in self._queues.get(feed, {}).values():
                queue.put_nowait(text)

    def sent(self, feed: str) -> int:
        """Return the number of the last message of a feed."""
        return self._numbers.get(feed, 0)

    def connections(self, feed: str) -> list[ServerConnection]:
        """Return the connections that are open, the oldest first."""
        return list(self._queues.get(feed, {}))

    def waiting(self, feed: str) -> int:
        """Return how many messages wait to be sent on the slowest connection."""
        return max((queue.qsize() for queue in self._queues.get(feed, {}).values()), default=0)

    def all_connections(self) -> set[ServerConnection]:
        """Return the connections of all feeds."""
        return {ws for queues in self._queues.values() for ws in queues}

    async def wait_for(self, feed: str, count: int) -> None:
        """Wait until exactly `count` connections are open."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.connections(feed)) == count)

    async def wait_for_loss(self, before: set[ServerConnection], count: int) -> None:
        """Wait until `count` of the connections are gone."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(before - self.all_connections()) >= count)

    async def _handle(self, ws: ServerConnection) -> None:
        assert ws.request is not None
        feed = ws.request.path[1:]
        async with self._listening(feed, ws) as queue:
            sending = asyncio.create_task(_send_all(ws, queue))
            await ws.wait_closed()
            sending.cancel()

    @asynccontextmanager
    async def _listening(
        self, feed: str, ws: ServerConnection
    ) -> AsyncIterator[asyncio.Queue[str]]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._queues.setdefault(feed, {})[ws] = queue
        async with self._changed:
            self._changed.notify_all()
        try:
            yield queue
        finally:
            del self._queues[feed][ws]
            async with self._changed:
                self._changed.notify_all()


async def _send_all(ws: ServerConnection, queue: asyncio.Queue[str]) -> None:
    while True:
        await ws.send(await queue.get())
