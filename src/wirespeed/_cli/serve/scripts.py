"""What `wirespeed serve` does with each client."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from typing import Final

from ...testing import ServerConnection
from ..demo.ticks import quotes

_QUOTES: Final = 1000
# A feed that is further behind than this does not catch up.
_MOST_BEHIND_SECONDS: Final = 1.0
# A client of a chat that is further behind than this is disconnected.
_MOST_BEHIND_BYTES: Final = 4 << 20
# What a waiting message takes besides its content.
_ENTRY_BYTES: Final = 64


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Do something else during the block. If it fails, the client is gone, as the block learns."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _ignore_messages(client: ServerConnection) -> None:
    async for _ in client:
        pass


async def echo(client: ServerConnection) -> None:
    """Send each message back."""
    async for message in client:
        await client.send(message)


class Feed:
    """Sends numbered ticks to each client, at a rate.

    Args:
        rate: messages a second; `math.inf` for as many as the client reads.
        count: how many messages; `None` for no end.
    """

    def __init__(self, rate: float, count: int | None) -> None:
        self._pause = 0.0 if rate == math.inf else 1 / rate
        self._count = count
        self._heads = [quote.head() for quote in quotes(_QUOTES)]

    async def __call__(self, client: ServerConnection) -> None:
        async with _beside(_ignore_messages(client)):
            await self._send(client)

    async def _send(self, client: ServerConnection) -> None:
        now = asyncio.get_running_loop().time
        due = now()
        number = 0
        while self._count is None or number < self._count:
            if (delay := due - now()) > 0:
                await client.sleep(delay)
            elif delay < -_MOST_BEHIND_SECONDS:
                due = now()
            await client.send(self._tick(number))
            due += self._pause
            number += 1
            if delay <= 0:
                # A send that need not wait would keep the other clients waiting.
                await asyncio.sleep(0)

    def _tick(self, number: int) -> str:
        head = self._heads[number % _QUOTES]
        return f'{head}"t":{time.time_ns() // 1_000_000},"n":{number}}}'


class Chat:
    """Sends each message to all other clients."""

    def __init__(self) -> None:
        self._members: list[_Member] = []

    async def __call__(self, client: ServerConnection) -> None:
        member = _Member(client)
        self._members.append(member)
        try:
            async with _beside(member.deliver()):
                async for message in client:
                    self._pass_on(message, member)
        finally:
            self._members.remove(member)

    def _pass_on(self, message: str | bytes, sender: _Member) -> None:
        for member in self._members:
            if member is not sender:
                member.post(message)


class _Member:
    """One client of a chat, and the messages that wait for it."""

    def __init__(self, client: ServerConnection) -> None:
        self._client = client
        self._waiting: deque[str | bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()

    def post(self, message: str | bytes) -> None:
        """Take a message; if the client is too slow for that, give it up."""
        self._waiting.append(message)
        self._size += len(message) + _ENTRY_BYTES
        self._news.set()
        if self._size > _MOST_BEHIND_BYTES:
            self._waiting.clear()
            self._size = 0
            self._client.reset()

    async def deliver(self) -> None:
        """Send what waits; ends with an error when the client is gone."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                message = self._waiting.popleft()
                self._size -= len(message) + _ENTRY_BYTES
                await self._client.send(message)
