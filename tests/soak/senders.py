"""Ways to send: small, large, fragmented, many at once; awaited, dropped and given up.

A message gets its number in the same step in which it is sent. The server must therefore see the
numbers in order, whichever task sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Coroutine, Iterator
from typing import Any, Final

from soak.numbered import from_client, message

import wirespeed

Connection = wirespeed.WebSocketConnection

# On a busy machine, fewer messages are sent.
MOST_SECONDS: Final = 2.0


class Sender:
    """What one connection sends, from any number of tasks.

    Attributes:
        sent: how many messages were handed over, and so are on their way.
        pings: the futures of the Pongs.
    """

    def __init__(self, key: str) -> None:
        self.sent = 0
        self.pings: list[asyncio.Future[float]] = []
        self._owner = from_client(key)
        self._ws: Connection

    def use(self, ws: Connection) -> None:
        """Send on this connection. Its heartbeats may have begun."""
        self._ws = ws

    def next(self, choose: random.Random) -> str | bytes:
        """Make the next message; the caller sends it at once."""
        data = message(self._owner, self.sent, choose)
        self.sent += 1
        return data

    async def run(self, choose: random.Random) -> None:
        """Send messages until there are enough, or the connection ends."""
        steps = choose.randrange(choose.choice((1, 10, 10, 100, 300)))
        end = time.monotonic() + MOST_SECONDS
        with contextlib.suppress(wirespeed.ConnectionDisconnected):
            for _ in range(steps):
                if time.monotonic() > end:
                    break
                await self._step(choose)
                if choose.random() < 0.05:
                    await asyncio.sleep(choose.random() * 0.05)

    async def _step(self, choose: random.Random) -> None:
        chance = choose.random()
        if chance < 0.02:
            self.pings.append(await self._ws.ping(f"{len(self.pings)} {self._owner[-20:]}"))
        elif chance < 0.05:
            await self._ws.send_many(self._next_while_open(choose))
        elif chance < 0.07:
            await self._ws.flush()
        else:
            await self._wait(self._send(choose), choose)

    def _send(self, choose: random.Random) -> Coroutine[Any, Any, None]:
        data = message(self._owner, self.sent, choose)
        compress = choose.choice((None, None, True, False))
        way = choose.randrange(4)
        if way == 0:
            sending = self._ws.send(_halves(data, choose.randrange(len(data))), compress=compress)
        elif way == 1:
            sending = self._ws.send(data, compress=compress)
        elif isinstance(data, str):
            sending = self._ws.send_text(data if way == 2 else data.encode(), compress=compress)
        else:
            whole = data if way == 2 else memoryview(bytearray(data))
            sending = self._ws.send_bytes(whole, compress=compress)
        self.sent += 1
        return sending

    async def _wait(self, sending: Coroutine[Any, Any, None], choose: random.Random) -> None:
        """Usually wait for room; sometimes give up early, or do not wait at all."""
        chance = choose.random()
        if chance < 0.05:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sending, 0.001)
        elif chance < 0.9:
            await sending

    def _next_while_open(self, choose: random.Random) -> Iterator[str | bytes]:
        for _ in range(choose.randrange(20)):
            # A message yielded after the end would not be sent.
            if self._ws.closed:
                return
            yield self.next(choose)


def _halves(data: str | bytes, cut: int) -> list[str] | list[bytes]:
    if isinstance(data, str):
        return [data[:cut], data[cut:]]
    return [data[:cut], data[cut:]]
