"""Ways to receive: patient, slow, in batches, cancelled again and again, several at once.

Each runs to the end of the connection, whatever the server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Final

from soak.numbered import number_of

import wirespeed

Connection = wirespeed.WebSocketConnection


class Share:
    """What one consumer received, in order.

    Attributes:
        numbers: the numbers of the messages.
    """

    def __init__(self, owner: str) -> None:
        self.numbers: list[int] = []
        self._owner = owner

    def take(self, data: str | bytes) -> None:
        """Check a message and record its number."""
        self.numbers.append(number_of(self._owner, data))


async def iterate(ws: Connection, share: Share, choose: random.Random) -> None:
    async for data in ws:
        share.take(data)


async def in_batches(ws: Connection, share: Share, choose: random.Random) -> None:
    async for batch in ws.batches(choose.choice((None, 1, 7))):
        for data in batch:
            share.take(data)


async def one_by_one(ws: Connection, share: Share, choose: random.Random) -> None:
    while True:
        share.take((await ws.receive()).data)


async def many(ws: Connection, share: Share, choose: random.Random) -> None:
    most = choose.choice((None, 1, 20))
    while True:
        try:
            for data in await ws.receive_many(most, timeout=choose.choice((None, 0.0, 0.01))):
                share.take(data)
        except wirespeed.ReadTimeout:
            # A timeout of 0 does not let other tasks run.
            await asyncio.sleep(0)


async def slowly(ws: Connection, share: Share, choose: random.Random) -> None:
    async for data in ws:
        share.take(data)
        if choose.random() < 0.03:
            await asyncio.sleep(choose.random() * 0.05)


async def without_waiting(ws: Connection, share: Share, choose: random.Random) -> None:
    while True:
        try:
            share.take(ws.receive_nowait().data)
        except asyncio.QueueEmpty:
            await asyncio.sleep(choose.random() * 0.02)


async def typed(ws: Connection, share: Share, choose: random.Random) -> None:
    """Guess the type. A wrong guess must leave the message queued."""
    guesses: tuple[Callable[[], Awaitable[str | bytes]], ...] = ws.receive_text, ws.receive_bytes
    for receive in itertools.cycle(guesses):
        with contextlib.suppress(wirespeed.MessageTypeError):
            share.take(await receive())


async def with_timeouts(ws: Connection, share: Share, choose: random.Random) -> None:
    while True:
        try:
            share.take((await ws.receive(timeout=choose.choice((0, 0.001, 0.1)))).data)
        except wirespeed.ReadTimeout:
            await asyncio.sleep(0)


async def with_wait_for(ws: Connection, share: Share, choose: random.Random) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            for data in await asyncio.wait_for(ws.receive_many(), choose.choice((0.001, 0.05))):
                share.take(data)


async def cancelled(ws: Connection, share: Share, choose: random.Random) -> None:
    """Cancel the receiving task again and again, wherever it is."""
    way = choose.choice((iterate, in_batches, one_by_one))
    while True:
        task = asyncio.create_task(way(ws, share, choose))
        try:
            await asyncio.wait([task], timeout=choose.choice((0, 0.001, 0.02)))
        finally:
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            return task.result()


async def texts(ws: Connection, share: Share, choose: random.Random) -> None:
    """With lanes, receive all text, whatever else is queued."""
    while True:
        share.take(await ws.receive_text())


async def binaries(ws: Connection, share: Share, choose: random.Random) -> None:
    """With lanes, receive everything binary."""
    while True:
        share.take(await ws.receive_bytes())


Consumer = Callable[[Connection, Share, random.Random], Awaitable[None]]

# Each of these accepts messages of either type.
CONSUMERS: Final[tuple[Consumer, ...]] = (
    *(iterate, in_batches, one_by_one, many, slowly, without_waiting),
    *(with_timeouts, with_wait_for, cancelled),
)
# Only for one queue: with lanes there is no wrong type.
GUESSING_CONSUMERS: Final[tuple[Consumer, ...]] = (typed,)
# Only for lanes, and both at once: what one of them leaves would hold back the other.
LANE_CONSUMERS: Final[tuple[Consumer, ...]] = (texts, binaries)
