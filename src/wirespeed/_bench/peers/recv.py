"""The interface of `websockets`: `recv` and `send`.

`recv` is called directly, because `async for` adds a generator to it in `websockets`.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from ..works import Work
from .client import Arrivals, Message


class Recv:
    """Receives with `recv`, sends with `send`; a subclass opens the connection."""

    receives: ClassVar[str] = "recv()"
    _ws: Any

    def __init__(self, work: Work) -> None:
        self._json = work.codes_json
        self._compression = "deflate" if work.compressed else None

    async def close(self) -> None:
        """Close the connection."""
        await self._ws.close()

    async def request(self, text: str) -> None:
        """Send a text message."""
        await self._ws.send(text)

    async def receive(self, count: int) -> Message:
        """Receive messages one by one."""
        recv = self._ws.recv
        if self._json:
            loads = json.loads
            for _ in range(count):
                message = loads(await recv())
        else:
            for _ in range(count):
                message = await recv()
        return message

    async def send(self, message: Message, count: int) -> None:
        """Send messages one by one."""
        send = self._ws.send
        if self._json:
            dumps = json.dumps
            for _ in range(count):
                await send(dumps(message))
        else:
            for _ in range(count):
                await send(message)

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send a message and receive its answer, in turn."""
        send, recv = self._ws.send, self._ws.recv
        for _ in range(count):
            await send(message)
            answer = await recv()
        return answer

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Send the next message when an answer arrives."""
        send, recv = self._ws.send, self._ws.recv
        for _ in range(depth):
            await send(message)
        for _ in range(count - depth):
            await recv()
            await send(message)
        for _ in range(depth):
            answer = await recv()
        return answer

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Record the time of each message."""
        take_time, take_message, now = arrivals
        recv = self._ws.recv
        for _ in range(count):
            message = await recv()
            take_time(now())
            take_message(message)
