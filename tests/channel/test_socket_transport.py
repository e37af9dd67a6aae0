"""The transport of plain connections behaves as asyncio's does, down to the last byte.

The tests write arbitrary bytes, not frames.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from channel.scripted import turns
from connections import make_connection

import wirespeed

if TYPE_CHECKING or wirespeed.implementation == "pure":
    from wirespeed._channel import ChannelProtocol, SocketTransport
else:
    from wirespeed._channel_c import ChannelProtocol, SocketTransport

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not used there")

BLOCK = bytes(range(256)) * 4096


class Calls(ChannelProtocol):
    """Records the callbacks that the transport calls."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(make_connection(), None, None, None)  # type: ignore[arg-type]
        self.names: list[str] = []
        self.data = b""
        self.lost: asyncio.Future[Exception | None] = loop.create_future()
        self.error: Exception | None = None
        self.write_errors: list[OSError] = []
        self._buffer = bytearray(1000)

    def connection_made(self, transport: Any) -> None:
        self.names.append("connection_made")

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)

    def buffer_updated(self, nbytes: int) -> None:
        if self.error is not None:
            raise self.error
        self.data += self._buffer[:nbytes]

    def eof_received(self) -> None:
        self.names.append("eof_received")

    def write_failed(self, exc: OSError) -> None:
        self.write_errors.append(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.names.append("connection_lost")
        self.lost.set_result(exc)

    def pause_writing(self) -> None:
        self.names.append("pause_writing")

    def resume_writing(self) -> None:
        self.names.append("resume_writing")


class Ends:
    """A transport, its protocol's record of calls, and the peer's socket."""

    def __init__(self, transport: SocketTransport, calls: Calls, peer: socket.socket) -> None:
        self.transport = transport
        self.calls = calls
        self.peer = peer

    async def read(self, size: int) -> bytes:
        """Read `size` bytes at the peer's end, fewer at the end of the stream."""
        loop, data = asyncio.get_running_loop(), b""
        while len(data) < size and (piece := await loop.sock_recv(self.peer, 65536)):
            data += piece
        return data

    def reset(self) -> None:
        """Make the peer reset the connection."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()


@asynccontextmanager
async def both() -> AsyncIterator[Ends]:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        peer, _ = listening.accept()
    ours.setblocking(False)
    peer.setblocking(False)
    calls = Calls()
    transport = SocketTransport(loop, ours, calls)
    transport.start()
    try:
        yield Ends(transport, calls, peer)
    finally:
        transport.abort()
        await calls.lost
        peer.close()


async def fill(ends: Ends) -> int:
    """Write until the transport is full; return the number of bytes written."""
    written = 0
    while "pause_writing" not in ends.calls.names:
        ends.transport.write(BLOCK)
        written += len(BLOCK)
    return written


async def test_reads_what_the_peer_writes() -> None:
    async with both() as ends:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(ends.peer, b"x" * 3500)
        while len(ends.calls.data) < 3500:
            await turns(1)
        assert ends.calls.names == ["connection_made"]


async def test_a_pause_leaves_it_in_the_socket() -> None:
    async with both() as ends:
        ends.transport.pause_reading()
        ends.transport.pause_reading()
        ends.peer.send(b"hello")
        await turns(20)
        assert ends.calls.data == b""
        ends.transport.resume_reading()
        ends.transport.resume_reading()
        while not ends.calls.data:
            await turns(1)
        assert ends.calls.data == b"hello"


async def test_what_the_socket_does_not_take_follows_in_order() -> None:
    async with both() as ends:
        written = await fill(ends)
        ends.transport.write(b"the end")
        data = await ends.read(written + 7)
        assert data == BLOCK * (written // len(BLOCK)) + b"the end"
        assert ends.calls.names == ["connection_made", "pause_writing", "resume_writing"]


async def test_close_waits_for_the_backlog() -> None:
    async with both() as ends:
        written = await fill(ends)
        ends.transport.close()
        ends.transport.close()
        ends.transport.write(b"too late")
        assert ends.transport.is_closing()
        data = await ends.read(written + 100)
        assert len(data) == written
        assert await ends.calls.lost is None
        assert ends.calls.names[-1] == "connection_lost"


async def test_abort_does_not() -> None:
    async with both() as ends:
        await fill(ends)
        ends.transport.abort()
        ends.transport.abort()
        assert await ends.calls.lost is None
        assert ends.calls.names.count("connection_lost") == 1


@pytest.mark.parametrize("full", [False, True])
async def test_the_sending_side_alone(full: bool) -> None:
    async with both() as ends:
        written = await fill(ends) if full else 0
        ends.transport.write_eof()
        ends.transport.write_eof()
        ends.transport.write(b"too late")
        assert len(await ends.read(written + 100)) == written
        ends.peer.send(b"still read")
        while not ends.calls.data:
            await turns(1)
        assert not ends.transport.is_closing()


async def test_the_peers_end_closes() -> None:
    async with both() as ends:
        ends.peer.shutdown(socket.SHUT_WR)
        assert await ends.calls.lost is None
        assert ends.calls.names == ["connection_made", "eof_received", "connection_lost"]


@pytest.mark.parametrize("full", [False, True])
async def test_a_reset(full: bool) -> None:
    async with both() as ends:
        if full:
            await fill(ends)
        ends.reset()
        assert isinstance(await ends.calls.lost, ConnectionError)


async def test_a_failed_write_leaves_reading_alone() -> None:
    async with both() as ends:
        ends.transport.pause_reading()
        ends.peer.send(b"arrived")
        ends.peer.close()
        while not ends.calls.write_errors:
            ends.transport.write(b"hello")
            await turns(1)
        assert isinstance(ends.calls.write_errors[0], ConnectionError)
        assert not ends.transport.is_closing()
        assert ends.transport.get_write_buffer_size() == len(b"hello")
        ends.transport.write(b"ignored")
        assert len(ends.calls.write_errors) == 1
        ends.transport.resume_reading()
        await ends.calls.lost
        assert ends.calls.data == b"arrived"


async def test_limits() -> None:
    async with both() as ends:
        ends.transport.set_write_buffer_limits(1 << 30)
        ends.transport.write(BLOCK * 16)
        assert "pause_writing" not in ends.calls.names
        ends.transport.set_write_buffer_limits(0)
        assert "pause_writing" in ends.calls.names
        await ends.read(16 * len(BLOCK))
        while "resume_writing" not in ends.calls.names:
            await turns(1)


async def test_a_fault_of_our_own_is_reported_and_ends_the_connection() -> None:
    async with both() as ends:
        reported: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        ends.calls.error = error = ValueError("a fault")
        ends.peer.send(b"hello")
        assert await ends.calls.lost is error
        assert reported == [error]


async def test_what_is_known_of_the_socket() -> None:
    async with both() as ends:
        transport = ends.transport
        assert transport.get_extra_info("peername") == ends.peer.getsockname()
        assert transport.get_extra_info("sockname") == ends.peer.getpeername()
        assert transport.get_extra_info("socket").fileno() > 0
        assert transport.get_extra_info("cipher") is None
        assert transport.get_extra_info("cipher", "none") == "none"
        assert transport.can_write_eof()
