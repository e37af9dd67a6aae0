"""A slow link is not a dead one: as long as bytes leave, nobody is given up.

The peer is the protocol of `websockets`. Its socket has a small buffer and is read slowly, so that
the client's data leaves slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from channel.scripted import Wire
from ends import Tls, both_ends, turns
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

import wirespeed
from wirespeed import CloseCause, ConnectionDisconnected, Heartbeat
from wirespeed._lifecycle.closing import closing_of
from wirespeed._lifecycle.departure import Departure

TIMEOUT: Final = 0.2
KIB: Final = 1024
# What the slow peer reads at once, and the seconds between two reads.
READ_BYTES: Final = 64 * KIB
PAUSE: Final = 0.02
# At this speed, an upload takes about four times as long as the timeout.
UPLOAD_BYTES: Final = 32 * READ_BYTES

UPLOADS: Final[dict[str, list[bytes]]] = {
    "one large message": [b"x" * UPLOAD_BYTES],
    "many small messages": [b"x" * KIB] * (UPLOAD_BYTES // KIB),
}


class SlowPeer:
    """A server for one connection that reads slowly.

    Attributes:
        payload_bytes: the size of all data frames so far.
        pings: how many Pings it has answered.
        may_read: cleared while it reads nothing.
    """

    def __init__(self) -> None:
        self.url = ""
        self.payload_bytes = 0
        self.pings = 0
        self.may_read = asyncio.Event()
        self.may_read.set()
        self._protocol = ServerProtocol(max_size=None)
        self._connections: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def serve(self, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Listen while the block runs."""
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KIB)
        server = await asyncio.start_server(
            self._handle, sock=listening, limit=16 * KIB, ssl=context
        )
        scheme = "ws" if context is None else "wss"
        self.url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
        try:
            yield
        finally:
            self.may_read.set()
            server.close()
            await asyncio.wait(self._connections)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.append(task)
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                self._take(data)
                writer.write(b"".join(self._protocol.data_to_send()))
                if self._protocol.close_expected():
                    break
                # The speed of the link.
                await asyncio.sleep(PAUSE)
                await self.may_read.wait()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame):
                self.pings += event.opcode is Opcode.PING
                if event.opcode in (Opcode.TEXT, Opcode.BINARY):
                    self.payload_bytes += len(event.data)


def upload_for(tls: Tls) -> list[bytes]:
    """Return the messages of an upload: large ones with TLS, small ones without."""
    return UPLOADS["many small messages" if tls.server is None else "one large message"]


@pytest.mark.usefixtures("transports")
async def test_an_upload_over_a_slow_link_is_life(tls: Tls) -> None:
    peer = SlowPeer()
    async with (
        peer.serve(tls.server),
        wirespeed.connect(
            peer.url, ping_interval=TIMEOUT, ping_timeout=TIMEOUT, ssl=tls.client
        ) as client,
    ):
        await client.send_many(upload_for(tls))
        answered = peer.pings
        while peer.payload_bytes < UPLOAD_BYTES or peer.pings == answered:
            assert not client.closed
            await turns()
    assert client.close_code == 1000


async def test_a_link_that_stops_during_an_upload_is_given_up() -> None:
    peer = SlowPeer()
    async with (
        peer.serve(),
        wirespeed.connect(peer.url, ping_interval=TIMEOUT, ping_timeout=TIMEOUT) as client,
    ):
        sending = asyncio.create_task(client.send_many([b"x" * KIB] * 100_000))
        while peer.payload_bytes < UPLOAD_BYTES // 4:
            await turns()
        peer.may_read.clear()
        with pytest.raises(ConnectionDisconnected, match="no answer within ping_timeout"):
            await sending
        assert client.close_info is not None
        assert client.close_info.cause is CloseCause.PING_TIMEOUT
        await client.wait_closed()
        assert client.close_info.unsent_bytes > 0


async def test_a_peer_that_only_acknowledges_is_given_up() -> None:
    async with both_ends(ping_interval=TIMEOUT, ping_timeout=TIMEOUT) as (client, _):
        # The system of the other end takes these messages; nobody reads them, nor the Pings.
        with pytest.raises(ConnectionDisconnected, match="no answer within ping_timeout"):
            while True:
                await client.send("x")
                await turns()


async def test_an_answer_to_a_heartbeat_may_wait_behind_an_upload() -> None:
    peer = SlowPeer()
    beat = Heartbeat(interval=TIMEOUT, payload=b"", timeout=TIMEOUT, only_in_silence=False)
    async with (
        peer.serve(),
        wirespeed.connect(peer.url, ping_interval=None, heartbeat=beat) as client,
    ):
        await client.send_many(UPLOADS["one large message"])
        while peer.payload_bytes < UPLOAD_BYTES:
            assert not client.closed
            await turns()
        # This server does not answer heartbeats.
        with pytest.raises(ConnectionDisconnected, match="no answer to the heartbeat"):
            await client.receive()


# -- closing -----------------------------------------------------------------------------


@pytest.mark.usefixtures("transports")
async def test_closing_waits_while_data_is_leaving(tls: Tls) -> None:
    peer = SlowPeer()
    async with peer.serve(tls.server):
        client = await wirespeed.connect(
            peer.url,
            ping_interval=None,
            close_timeout=TIMEOUT,
            write_buffer_size=UPLOAD_BYTES * 2,
            ssl=tls.client,
        )
        await client.send_many(upload_for(tls))
        await client.close(4000, "done")
        assert (client.close_code, client.close_reason) == (4000, "done")
        assert client.close_info is not None
        assert client.close_info.unsent_bytes == 0
        assert peer.payload_bytes == UPLOAD_BYTES


async def test_a_peer_that_stops_taking_data_cannot_delay_closing() -> None:
    peer = SlowPeer()
    async with peer.serve():
        client = await wirespeed.connect(peer.url, ping_interval=None, close_timeout=TIMEOUT)
        peer.may_read.clear()
        # More than the operating system keeps for both ends.
        _ = client.send(bytes(20_000 * KIB))
        await client.close()
        assert client.close_info is not None
        assert client.close_info.unsent_bytes > 0


class Leaking:
    """Stands for a transport's buffer from which a few bytes leave at each look."""

    def __init__(self, size: int, bytes_per_look: int) -> None:
        self.size = size
        self.looks = 0
        self._bytes_per_look = bytes_per_look

    def __call__(self) -> int:
        self.looks += 1
        self.size = max(0, self.size - self._bytes_per_look)
        return self.size


@pytest.mark.loops("asyncio")
@pytest.mark.parametrize(("bytes_per_look", "leaves"), [(1, False), (5, True)])
async def test_a_peer_that_takes_a_byte_now_and_then_cannot_delay_closing(
    bytes_per_look: int, leaves: bool
) -> None:
    # 1024 bytes a second are 3.2 bytes a look.
    wire = Wire(ping_interval=None, close_timeout=0.025)
    transport: Any = wire.transport
    _ = wire.connection.send_bytes(b"x" * 100)
    transport.get_write_buffer_size = leaking = Leaking(100, bytes_per_look)
    closing = closing_of(wire.connection)
    closing.close(1000, "")
    while not transport.closing:
        await turns()
    assert (leaking.size == 0) is leaves
    wire.lose()


@pytest.mark.loops("asyncio")
async def test_what_is_written_later_is_not_waited_for() -> None:
    wire = Wire(ping_interval=None)
    transport: Any = wire.transport
    size = 50
    transport.get_write_buffer_size = lambda: size
    _ = wire.connection.send_bytes(b"x" * 100)
    departure = Departure(wire.connection)
    assert not departure.is_over()
    assert departure.look() == 0
    await wire.connection.flush()
    _ = wire.connection.send_bytes(b"x" * 100)
    await wire.connection.flush()
    size += 106
    assert departure.look() == 0
    size -= 30
    assert departure.look() == 30
    size -= 70
    assert departure.look() == 20
    assert departure.is_over()
    assert departure.look() == 0
    wire.lose()
