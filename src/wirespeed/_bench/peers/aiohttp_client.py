"""`aiohttp`, with its C extensions.

It calls `receive` directly, because `async for` adds a coroutine to each call.
"""

from __future__ import annotations

import importlib.util
import json
import ssl
from typing import Any, ClassVar

import aiohttp

from ..works import Work
from .client import Arrivals, Message

_READER = "with" if importlib.util.find_spec("aiohttp._websocket.reader_c") else "WITHOUT"
# One session for all connections of a process, as aiohttp's documentation recommends.
_sessions: list[aiohttp.ClientSession] = []


def session() -> aiohttp.ClientSession:
    """Return the session of this process; the event loop must run when it is made."""
    if not _sessions:
        # The default limit is 100 connections.
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    return _sessions[0]


class Receive:
    """Receives with `receive`, sends with `send_str` and `send_bytes`."""

    packages: ClassVar[tuple[str, ...]] = ("aiohttp",)
    settings: ClassVar[str] = (
        "compress=0 unless the work is compressed, max_msg_size=0, no heartbeat, one session;"
        f" {_READER} its C extension"
    )
    receives: ClassVar[str] = "receive()"
    _ws: Any

    def __init__(self, work: Work) -> None:
        self._json = work.codes_json
        self._compress = 15 if work.compressed else 0

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        self._ws = await session().ws_connect(
            url, ssl=context or True, compress=self._compress, max_msg_size=0, autoping=True
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._ws.close()

    async def request(self, text: str) -> None:
        """Send a text message."""
        await self._ws.send_str(text)

    async def receive(self, count: int) -> Message:
        """Receive messages one by one."""
        receive = self._ws.receive
        if self._json:
            loads = json.loads
            for _ in range(count):
                data = loads((await receive()).data)
        else:
            for _ in range(count):
                data = (await receive()).data
        return data

    async def send(self, message: Message, count: int) -> None:
        """Send messages one by one."""
        send = self._ws.send_bytes if isinstance(message, bytes) else self._ws.send_str
        if self._json:
            send = self._ws.send_json
        for _ in range(count):
            await send(message)

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send a message and receive its answer, in turn."""
        send = self._ws.send_bytes if isinstance(message, bytes) else self._ws.send_str
        receive = self._ws.receive
        for _ in range(count):
            await send(message)
            answer = (await receive()).data
        return answer

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Send the next message when an answer arrives."""
        send = self._ws.send_bytes if isinstance(message, bytes) else self._ws.send_str
        receive = self._ws.receive
        for _ in range(depth):
            await send(message)
        for _ in range(count - depth):
            await receive()
            await send(message)
        for _ in range(depth):
            answer = (await receive()).data
        return answer

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Record the time of each message."""
        take_time, take_message, now = arrivals
        receive = self._ws.receive
        for _ in range(count):
            text = (await receive()).data
            take_time(now())
            take_message(text)
