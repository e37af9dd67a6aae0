"""Calls of aiosonic's connections, for `aiosonic` itself and for the drop-in."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from ..works import Work
from .client import Arrivals, Message


class Calls:
    """Receives with `receive_text` and `receive_bytes`, sends with `send_text` and `send_bytes`."""

    receives: ClassVar[str] = "receive_text(), receive_bytes()"
    _ws: Any

    def __init__(self, work: Work) -> None:
        self._json = work.payload == "json"
        self._binary = work.payload == "binary"

    async def close(self) -> None:
        """Close the connection."""
        await self._ws.close()

    async def request(self, text: str) -> None:
        """Send a text message."""
        await self._ws.send_text(text)

    async def receive(self, count: int) -> Message:
        """Receive messages one by one."""
        receive = self._ws.receive_bytes if self._binary else self._ws.receive_text
        if self._json:
            loads = json.loads
            for _ in range(count):
                data = loads(await receive())
        else:
            for _ in range(count):
                data = await receive()
        return data

    async def send(self, message: Message, count: int) -> None:
        """Send messages one by one."""
        send = self._ws.send_bytes if self._binary else self._ws.send_text
        if self._json:
            send = self._ws.send_json
        for _ in range(count):
            await send(message)

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send a message and receive its answer, in turn."""
        send = self._ws.send_bytes if self._binary else self._ws.send_text
        receive = self._ws.receive_bytes if self._binary else self._ws.receive_text
        for _ in range(count):
            await send(message)
            answer = await receive()
        return answer

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Send the next message when an answer arrives."""
        send = self._ws.send_bytes if self._binary else self._ws.send_text
        receive = self._ws.receive_bytes if self._binary else self._ws.receive_text
        for _ in range(depth):
            await send(message)
        for _ in range(count - depth):
            await receive()
            await send(message)
        for _ in range(depth):
            answer = await receive()
        return answer

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Record the time of each message."""
        take_time, take_message, now = arrivals
        receive = self._ws.receive_text
        for _ in range(count):
            text = await receive()
            take_time(now())
            take_message(text)
