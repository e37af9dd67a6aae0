"""`picows` with callbacks: no `await` for a message.

Each kind of work has a listener, which does only that work in `on_ws_frame`. A real program has to
look at the type of the frame. The listeners do not, because the server sends only messages that are
counted.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, ClassVar

import picows

from ..works import Work
from .client import Arrivals, Message

_TEXT = picows.WSMsgType.TEXT
_BINARY = picows.WSMsgType.BINARY
# Larger than any message of any work.
_MAX_FRAME_BYTES = 64 * 1024 * 1024


class Counting(picows.WSListener):
    """Counts messages down to the last one of a slice."""

    left = 0
    requests = 0
    message: str | bytes = b""
    last: Message = None
    done: asyncio.Future[None]
    paused: asyncio.Future[None] | None = None

    def pause_writing(self) -> None:
        """Make `send` wait."""
        self.paused = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let `send` continue."""
        if self.paused is not None:
            self.paused.set_result(None)
            self.paused = None

    def expect(self, count: int) -> asyncio.Future[None]:
        """Return a future that is done when `count` messages have arrived."""
        self.left = count
        self.done = asyncio.get_running_loop().create_future()
        return self.done

    def finish(self, last: Message) -> None:
        """End the slice."""
        self.last = last
        self.done.set_result(None)


class Texts(Counting):
    """Decodes each message to `str`."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a message."""
        text = frame.get_payload_as_utf8_text()
        self.left -= 1
        if not self.left:
            self.finish(text)


class Binaries(Counting):
    """Copies each message to `bytes`."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a message."""
        data = frame.get_payload_as_bytes()
        self.left -= 1
        if not self.left:
            self.finish(data)


class Values(Counting):
    """Decodes each message as JSON."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a message."""
        value = json.loads(frame.get_payload_as_utf8_text())
        self.left -= 1
        if not self.left:
            self.finish(value)


class Answers(Counting):
    """Sends the next request from the callback that brought an answer."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take an answer, and send the next request."""
        text = frame.get_payload_as_utf8_text()
        if self.requests:
            self.requests -= 1
            transport.send(_TEXT, self.message.encode())  # type: ignore[union-attr]
        self.left -= 1
        if not self.left:
            self.finish(text)


class Arriving(Counting):
    """Records the time of each message."""

    arrivals: Arrivals

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a message."""
        text = frame.get_payload_as_utf8_text()
        take_time, take_message, now = self.arrivals
        take_time(now())
        take_message(text)
        self.left -= 1
        if not self.left:
            self.finish(text)


def listener_for(work: Work) -> type[Counting]:
    """Return the class of the listener that does only this work."""
    if work.kind in ("echo", "pipeline"):
        return Answers
    if work.kind == "paced":
        return Arriving
    if work.kind != "receive":
        return Texts
    return {"binary": Binaries, "json": Values}.get(work.payload, Texts)


class Callbacks:
    """Drives a listener; apart from paused writes, it awaits once for each slice."""

    packages: ClassVar[tuple[str, ...]] = ("picows", "aiofastnet")
    settings: ClassVar[str] = "enable_auto_ping=False, max_frame_size=64 MiB, aiofastnet"
    receives: ClassVar[str] = "on_ws_frame, get_payload_as_utf8_text / _as_bytes"
    _transport: Any
    _listener: Any

    def __init__(self, work: Work) -> None:
        self._factory = listener_for(work)
        self._binary = work.payload == "binary"
        self._json = work.payload == "json" and work.kind == "send"

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        self._transport, self._listener = await picows.ws_connect(
            self._factory,
            url,
            ssl_context=context,
            enable_auto_ping=False,
            max_frame_size=_MAX_FRAME_BYTES,
        )

    async def close(self) -> None:
        """Close it without a closing handshake: the listeners do not expect a Close frame."""
        self._transport.disconnect(graceful=False)
        await self._transport.wait_disconnected()

    async def request(self, text: str) -> None:
        """Send a text message."""
        self._transport.send(_TEXT, text.encode())

    async def receive(self, count: int) -> Message:
        """Let the listener count."""
        await self._listener.expect(count)
        return self._listener.last

    async def send(self, message: Message, count: int) -> None:
        """Send one by one, and wait while the transport has paused writing."""
        send, listener = self._transport.send, self._listener
        if self._json:
            dumps = json.dumps
            for _ in range(count):
                send(_TEXT, dumps(message).encode())
                if listener.paused is not None:
                    await listener.paused
        elif self._binary:
            for _ in range(count):
                send(_BINARY, message)
                if listener.paused is not None:
                    await listener.paused
        else:
            for _ in range(count):
                send(_TEXT, message.encode())
                if listener.paused is not None:
                    await listener.paused

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send the first request; the listener does the rest."""
        return await self.pipeline(message, count, 1)

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Send the first requests; the listener does the rest."""
        listener = self._listener
        done = listener.expect(count)
        listener.message = message
        listener.requests = count - depth
        await self.send(message, depth)
        await done
        return listener.last

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Let the listener record the times."""
        self._listener.arrivals = arrivals
        await self._listener.expect(count)
