"""wirespeed, message by message and in batches."""

from __future__ import annotations

import inspect
import json
import ssl
from typing import Any, ClassVar

from ..._codec import backend
from ..._codec.zlib_backend import deflate_backend
from ...client import connect
from ...connection import WebSocketConnection
from ..works import Work
from .client import Arrivals, Message

BATCH_WINDOW_SECONDS = 0.001


def options(**wanted: Any) -> dict[str, Any]:
    """Return those of `wanted` that `connect` accepts."""
    known = inspect.signature(connect).parameters
    return {name: value for name, value in wanted.items() if name in known}


class Each:
    """Receives with `async for`, and sends one by one."""

    packages: ClassVar[tuple[str, ...]] = ("wirespeed", "aiofastnet")
    settings: ClassVar[str] = (
        f"max_message_size=None, no keep-alive Pings; {backend.implementation}, {deflate_backend}"
    )
    receives: ClassVar[str] = "async for"
    options: ClassVar[dict[str, Any]] = options(
        max_message_size=None, compression=None, ping_interval=None
    )
    _ws: WebSocketConnection

    def __init__(self, work: Work) -> None:
        self._json = work.codes_json
        self._compression = {"compression": "deflate"} if work.compressed else {}
        self._binary = work.payload == "binary"

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        self._ws = await connect(url, ssl=context, **{**self.options, **self._compression})

    async def close(self) -> None:
        """Close the connection."""
        await self._ws.close()

    async def request(self, text: str) -> None:
        """Send a text message."""
        await self._ws.send_text(text)

    async def receive(self, count: int) -> Message:
        """Receive with `async for`; JSON with `receive_json`."""
        if self._json:
            receive_json = self._ws.receive_json
            for _ in range(count):
                value = await receive_json()
            return value
        async for message in self._ws:
            count -= 1
            if not count:
                return message
        return None

    async def send(self, message: Message, count: int) -> None:
        """Send messages one by one."""
        send: Any = self._ws.send_bytes if self._binary else self._ws.send_text
        if self._json:
            send = self._ws.send_json
        for _ in range(count):
            await send(message)

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send a message and receive its answer, in turn."""
        send: Any = self._ws.send_bytes if self._binary else self._ws.send_text
        await send(message)
        async for answer in self._ws:
            count -= 1
            if not count:
                return answer
            await send(message)
        return None

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Send the next message when an answer arrives."""
        send: Any = self._ws.send_bytes if self._binary else self._ws.send_text
        for _ in range(depth):
            await send(message)
        requests = count - depth
        async for answer in self._ws:
            count -= 1
            if requests:
                requests -= 1
                await send(message)
            if not count:
                return answer
        return None

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Record the time of each message."""
        take_time, take_message, now = arrivals
        async for message in self._ws:
            take_time(now())
            take_message(message)
            count -= 1
            if not count:
                return


class Batches(Each):
    """Receives with `receive_many`, and sends with `send_many`."""

    receives: ClassVar[str] = "receive_many, send_many"

    async def receive(self, count: int) -> Message:
        """Receive all queued messages at once."""
        receive_many = self._ws.receive_many
        loads: Any = json.loads if self._json else None
        while count:
            batch = await receive_many()
            count -= len(batch)
            if loads is not None:
                values = [loads(message) for message in batch]
        return values[-1] if loads is not None else batch[-1]

    async def send(self, message: Message, count: int) -> None:
        """Send all with one call."""
        if self._json:
            await self._ws.send_many(json.dumps(message) for _ in range(count))
        else:
            await self._ws.send_many(message for _ in range(count))

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Record the time of each batch for all its messages."""
        take_time, take_message, now = arrivals
        while count:
            batch = await self._ws.receive_many()
            time = now()
            for message in batch:
                take_time(time)
                take_message(message)
            count -= len(batch)


class Windows(Each):
    """Reads at most once in a batch window: the task wakes less often, and a little later."""

    settings: ClassVar[str] = f"batch_window={BATCH_WINDOW_SECONDS}; {Each.settings}"
    options: ClassVar[dict[str, Any]] = {
        **Each.options,
        **options(batch_window=BATCH_WINDOW_SECONDS),
    }
