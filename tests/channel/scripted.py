"""A connection on a transport in memory: the test decides what is read, and sees each write.

It drives the client only with the callbacks that a transport makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import reference
from connections import make_connection
from rawserver import BINARY, CLOSE, PING, PONG, TEXT, close_payload, unmask

import wirespeed
from wirespeed import Deflate, Response, Timings, WebSocketConnection
from wirespeed._base.opened import Opened
from wirespeed._base.response import frozen_headers

if TYPE_CHECKING or wirespeed.implementation == "pure":
    from wirespeed._channel import BufferedChannelProtocol
else:
    from wirespeed._channel_c import BufferedChannelProtocol

T = TypeVar("T")

# After this many turns of the loop, callbacks scheduled by other callbacks have run too.
SETTLED_TURNS: Final = 10


def text(*messages: str) -> bytes:
    """Build text frames as a server sends them."""
    return b"".join(reference.frame(TEXT, message.encode()) for message in messages)


def binary(*messages: bytes) -> bytes:
    """Build binary frames as a server sends them."""
    return b"".join(reference.frame(BINARY, message) for message in messages)


def ping(payload: bytes = b"") -> bytes:
    """Build a Ping."""
    return reference.frame(PING, payload)


def pong(payload: bytes = b"") -> bytes:
    """Build a Pong."""
    return reference.frame(PONG, payload)


def close(code: int = 1000, reason: str = "") -> bytes:
    """Build a Close frame."""
    return reference.frame(CLOSE, close_payload(code, reason))


def client_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Parse what the client wrote into opcode and payload of each frame; all must be whole."""
    return [(first & 0x0F, payload) for first, payload in whole_frames(data)]


def whole_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Parse whole frames into their first byte (fin, RSV bits and opcode) and payload."""
    frames = []
    while data:
        assert data[1] & 0x80, "a client's frame is masked"
        length_bytes = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
        start = 2 + length_bytes
        length = int.from_bytes(data[2:start], "big") if length_bytes else data[1] & 0x7F
        end = start + 4 + length
        assert len(data) >= end, "a frame is cut off"
        frames.append((data[0], unmask(data[start + 4 : end], data[start : start + 4])))
        data = data[end:]
    return frames


def payloads(data: bytes) -> list[bytes]:
    """Return the payloads of the client's frames."""
    return [payload for _, payload in client_frames(data)]


class ScriptedTransport(asyncio.Transport):
    """A transport that records its calls.

    Attributes:
        blocks: the written objects themselves.
        copies: copies of them, made at the time of the write.
        pauses: how often `pause_reading` was called.
        resumes: how often `resume_reading` was called.
        eofs: how often `write_eof` was called.
        limits: the high-water marks that were set.
        closing: whether `close` or `abort` was called.
        before_write: called inside each `write`, before the block is recorded.
        on_write: called inside each `write`, after the block was recorded.
        on_close: called inside `close` and `abort`.
        on_resume_reading: called inside `resume_reading`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[bytes | bytearray | memoryview] = []
        self.copies: list[bytes] = []
        self.pauses = 0
        self.resumes = 0
        self.eofs = 0
        self.limits: list[int | None] = []
        self.closing = False
        self.before_write: Callable[[], object] | None = None
        self.on_write: Callable[[], object] | None = None
        self.on_close: Callable[[], object] | None = None
        self.on_resume_reading: Callable[[], object] | None = None

    def write(self, data: Any) -> None:
        if self.before_write is not None:
            self.before_write()
        self.blocks.append(data)
        self.copies.append(bytes(data))
        if self.on_write is not None:
            self.on_write()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits.append(high)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eofs += 1

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        if self.on_close is not None:
            self.on_close()

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        self.pauses += 1

    def resume_reading(self) -> None:
        self.resumes += 1
        if self.on_resume_reading is not None:
            self.on_resume_reading()


def _complete_opening(*, offers_compression: bool) -> Any:
    """Return an opening handshake that completes with any bytes."""
    return SimpleNamespace(
        request=lambda: b"",
        receive_data=lambda data: True,
        receive_eof=lambda: None,
        trailing_data=b"",
        offers_compression=offers_compression,
    )


class Wire:
    """An open connection on a scripted transport.

    Attributes:
        connection: the client.
        transport: the transport that it writes to.
        protocol: the protocol whose callbacks the transport calls.
    """

    def __init__(
        self,
        *,
        connection_class: type[WebSocketConnection] = WebSocketConnection,
        compression: Deflate | None = None,
        **options: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.connection = make_connection(connection_class, **options)
        self.transport = ScriptedTransport()
        agreed = Opened(
            response=Response(101, "", frozen_headers()),
            subprotocol=None,
            compression=compression,
            timings=Timings(),
        )
        self.protocol = BufferedChannelProtocol(
            self.connection,
            _complete_opening(offers_compression=compression is not None),
            lambda transport: agreed,
            loop.create_future(),
        )
        self.protocol.connection_made(self.transport)
        self.feed(b"the opening handshake")
        self.transport.blocks.clear()
        self.transport.copies.clear()

    def feed(self, data: bytes) -> None:
        """Let the transport read `data`, in as many reads as the given memory requires."""
        while data:
            memory = self.protocol.get_buffer(-1)
            size = min(len(data), len(memory))
            memory[:size] = data[:size]
            self.protocol.buffer_updated(size)
            data = data[size:]

    def lose(self, exc: Exception | None = None) -> None:
        """Report to the protocol that the transport is lost."""
        self.transport.closing = True
        self.protocol.connection_lost(exc)

    def written(self) -> bytes:
        """Return everything that was written."""
        return b"".join(self.transport.copies)

    def sent(self) -> list[bytes]:
        """Return the payloads of all frames that were written."""
        return payloads(self.written())

    def writes(self) -> list[list[bytes]]:
        """Return the payloads in each write."""
        return [payloads(copy) for copy in self.transport.copies]


async def in_callback(function: Callable[[], T]) -> T:
    """Call `function` in no task, as the event loop calls a transport; return its result."""
    loop = asyncio.get_running_loop()
    called: asyncio.Future[T] = loop.create_future()

    def call() -> None:
        try:
            assert asyncio.current_task() is None
            called.set_result(function())
        except Exception as exc:
            called.set_exception(exc)

    loop.call_soon(call)
    return await called


async def seen_after(call: Callable[[], object], look: Callable[[], T]) -> T:
    """Call `call` in no task, and return what `look` sees before the event loop runs again."""

    def both() -> T:
        call()
        return look()

    return await in_callback(both)


async def turns(count: int = SETTLED_TURNS) -> None:
    """Let the event loop run `count` turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def collect(wire: Wire, into: list[Any], act: Callable[[Any], object] | None = None) -> None:
    """Receive until the end, and call `act` with each message in the step that receives it."""
    async for message in wire.connection:
        into.append(message)
        if act is not None:
            act(message)


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
