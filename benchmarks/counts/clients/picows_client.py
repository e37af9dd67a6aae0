"""`picows` with callbacks, which decode each message and look at nothing else."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

import picows

from ..far import FarEnd
from ..works import Work

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024


class Listener(picows.WSListener):
    """Counts messages down, and does at the last of a block what `at_block` says."""

    work: Work
    far: FarEnd
    left = 0
    blocks = 0
    last: str | bytes = b""
    done: asyncio.Future[None]
    room: asyncio.Future[None] | None = None

    def pause_writing(self) -> None:
        """Let `send` wait."""
        self.room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let `send` go on."""
        if self.room is not None:
            self.room.set_result(None)
            self.room = None

    def expect(self, count: int, block: int) -> asyncio.Future[None]:
        """Return a future of the message after which `count` have come."""
        self.left = block
        self.blocks = count // block
        self.done = asyncio.get_running_loop().create_future()
        return self.done

    def end_block(self, message: str | bytes) -> None:
        """Ask for the next block."""
        self.blocks -= 1
        if self.blocks:
            self.left = self.work.block
            self.far.meet()
        else:
            self.last = message
            self.done.set_result(None)


class Texts(Listener):
    """Decodes each message to `str`."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a message."""
        text = frame.get_payload_as_utf8_text()
        self.left -= 1
        if not self.left:
            self.end_block(text)


class Binaries(Listener):
    """Copies each message to `bytes`."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take a message."""
        data = frame.get_payload_as_bytes()
        self.left -= 1
        if not self.left:
            self.end_block(data)


class Answers(Listener):
    """Sends the next request from the callback that brought an answer."""

    text = ""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take an answer, send the next request."""
        text = frame.get_payload_as_utf8_text()
        self.left -= 1
        if self.left:
            transport.send(picows.WSMsgType.TEXT, self.text.encode())
        else:
            self.end_block(text)


class UnixSocket(socket.socket):
    """Has the options of TCP, which picows sets on every socket, and does nothing with them."""

    def setsockopt(self, level: int, *rest: Any) -> None:
        """Set an option."""
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, *rest)

    def getsockopt(self, level: int, *rest: Any) -> Any:
        """Give an option."""
        return 1 if level == socket.IPPROTO_TCP else super().getsockopt(level, *rest)


def open_socket(path: str) -> socket.socket:
    """Connect to a path."""
    sock = UnixSocket(socket.AF_UNIX)
    sock.connect(path)
    sock.setblocking(False)
    return sock


async def connect(path: str, work: Work) -> tuple[Any, Any]:
    """Open a connection."""
    factory = Answers if work.way == "echo" else Binaries if work.is_binary else Texts
    transport, listener = await picows.ws_connect(
        factory,
        "ws://localhost/",
        socket_factory=lambda _: open_socket(path),
        websocket_handshake_timeout=None,
        max_frame_size=MAX_FRAME_BYTES,
    )
    assert isinstance(listener, Listener)
    listener.work = work
    return transport, listener


async def receive(connection: tuple[Any, Any], work: Work, count: int, far: FarEnd) -> None:
    """Let the listener count."""
    _, listener = connection
    listener.far = far
    done = listener.expect(count, work.block)
    far.meet()
    await done
    assert listener.last == work.message


async def feed(connection: tuple[Any, Any], work: Work, count: int, far: FarEnd) -> None:
    """Let the listener count."""
    _, listener = connection
    await listener.expect(count, count)
    assert listener.last == work.message


async def echo(connection: tuple[Any, Any], work: Work, count: int, far: FarEnd) -> None:
    """Send the first request; the listener does the rest."""
    transport, listener = connection
    done = listener.expect(count, count)
    listener.text = work.message
    transport.send(picows.WSMsgType.TEXT, listener.text.encode())
    await done
    assert listener.last == work.message


async def send(connection: tuple[Any, Any], work: Work, count: int, far: FarEnd) -> None:
    """Send one by one, and wait when the listener was told to pause."""
    transport, listener = connection
    message: Any = work.message
    for _ in range(count // work.block):
        if work.is_binary:
            for _ in range(work.block):
                transport.send(picows.WSMsgType.BINARY, message)
                if listener.room is not None:
                    await listener.room
        else:
            for _ in range(work.block):
                transport.send(picows.WSMsgType.TEXT, message.encode())
                if listener.room is not None:
                    await listener.room
        far.meet()


WAYS: Final = {"receive": receive, "feed": feed, "echo": echo, "send": send}
