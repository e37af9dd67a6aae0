"""No client: the least that a message of a feed can cost, also with a task or a batch window.

Nothing is parsed, checked or queued here; only the length of a frame is known. What remains is the
event loop, the system call and, in `Task`, the resuming of a task. Every client with an `await` for
each message has to pay for that, too.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import ssl
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from ..._base.rfc6455 import OPCODE_TEXT, frame_header
from ..._codec import backend
from ..works import Work
from .client import Arrivals

if TYPE_CHECKING or not backend.COMPILED:
    from ..._channel.waiter import Waiter, suspend
else:
    from ..._channel_c.waiter import Waiter, suspend

WINDOW_SECONDS = 0.001
_READ_BYTES = 256 * 1024
_HEAD_BYTES = 4096
_NO_MASK = bytes(4)
_MASKED = 0x80


class Callback:
    """Reads once in each reader callback, and records how many bytes there are."""

    packages: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[str] = "nothing is parsed: what the event loop and the system calls cost"
    receives: ClassVar[str] = "loop.add_reader, socket.recv_into"
    _socket: socket.socket

    def __init__(self, work: Work) -> None:
        self._head_bytes = len(frame_header(OPCODE_TEXT, work.size))
        self._frame_bytes = self._head_bytes + work.size
        self._memory = bytearray(_READ_BYTES)
        self._view = memoryview(self._memory)
        self._data = bytearray()
        self._sizes: list[int] = []
        self._times: list[int] = []

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection, with the least that the benchmark's own server requires."""
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._socket.recv(_HEAD_BYTES)
        self._socket.setblocking(False)

    async def close(self) -> None:
        """Close the socket, without a closing handshake."""
        self._socket.close()

    async def request(self, text: str) -> None:
        """Send a text message, masked with zeros."""
        header = bytearray(frame_header(OPCODE_TEXT, len(text)))
        header[1] |= _MASKED
        self._socket.sendall(header + _NO_MASK + text.encode())

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Read everything, then report for each message the time of its read."""
        loop = asyncio.get_running_loop()
        await self._read(loop, count * self._frame_bytes, arrivals[2])
        loop.remove_reader(self._socket)
        self._tell(*arrivals[:2])

    async def _read(self, loop: asyncio.AbstractEventLoop, total: int, now: Any) -> None:
        done = loop.create_future()

        def callback() -> None:
            if self._take(now) >= total:
                done.set_result(None)

        loop.add_reader(self._socket, callback)
        await done

    def _take(self, now: Any) -> int:
        """Read once; return how many bytes have arrived so far."""
        size = self._socket.recv_into(self._memory)
        self._times.append(now())
        self._data += self._view[:size]
        self._sizes.append(len(self._data))
        return len(self._data)

    def _tell(self, take_time: Any, take_message: Any) -> None:
        told = 0
        for size, time in zip(self._sizes, self._times, strict=True):
            while told + self._frame_bytes <= size:
                take_time(time)
                start, told = told + self._head_bytes, told + self._frame_bytes
                take_message(self._data[start:told].decode())
        self._data.clear()
        self._sizes.clear()
        self._times.clear()


class Window(Callback):
    """Reads on a timer instead, and records how many bytes there are."""

    settings: ClassVar[str] = "the same, once in a millisecond: what gathering costs"
    receives: ClassVar[str] = "loop.call_later, socket.recv_into"

    async def _read(self, loop: asyncio.AbstractEventLoop, total: int, now: Any) -> None:
        done = loop.create_future()

        def callback() -> None:
            with contextlib.suppress(BlockingIOError):
                self._take(now)
            if len(self._data) < total:
                loop.call_later(WINDOW_SECONDS, callback)
            else:
                done.set_result(None)

        callback()
        await done


class Suspension:
    """Suspends a task until the reader callback has read."""

    waiter: Waiter | None = None

    def __await__(self) -> Generator[Any, None, None]:
        self.waiter = suspend(asyncio.get_running_loop())
        yield self.waiter


class Task(Callback):
    """The same, and then resumes a task within the callback, which is the cheapest way."""

    settings: ClassVar[str] = "the same, and each read resumes a task, which waits again"
    receives: ClassVar[str] = "loop.add_reader, socket.recv_into, await"

    async def _read(self, loop: asyncio.AbstractEventLoop, total: int, now: Any) -> None:
        suspension = Suspension()
        read = 0

        def callback() -> None:
            nonlocal read
            read = self._take(now)
            waiter, suspension.waiter = suspension.waiter, None
            if waiter is not None:
                waiter.wake()

        loop.add_reader(self._socket, callback)
        while read < total:
            await suspension
