"""A relay in front of a server that keeps every byte, and parses the frames.

Does not use the client under test: it parses frames with plain arithmetic.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit


class Frame(NamedTuple):
    """One frame on the wire.

    Attributes:
        fin: the fin bit.
        is_compressed: the bit RSV1 (RFC 7692 section 6).
        opcode: the opcode.
        payload_bytes: the length of its payload.
    """

    fin: bool
    is_compressed: bool
    opcode: int
    payload_bytes: int


class Tap:
    """The bytes that went through in both directions.

    Attributes:
        url: where it listens.
        from_client: all bytes of the client.
        from_server: all bytes of the server.
    """

    def __init__(self) -> None:
        self.url = ""
        self.from_client = bytearray()
        self.from_server = bytearray()


def after_opening(stream: bytes | bytearray) -> bytes:
    """Return what follows the head of the opening handshake."""
    return bytes(stream).partition(b"\r\n\r\n")[2]


def frames_in(data: bytes) -> list[Frame]:
    """Parse whole frames."""
    frames = []
    while data:
        length = data[1] & 0x7F
        length_bytes = {126: 2, 127: 8}.get(length, 0)
        if length_bytes:
            length = int.from_bytes(data[2 : 2 + length_bytes], "big")
        end = 2 + length_bytes + (4 if data[1] & 0x80 else 0) + length
        assert len(data) >= end, "a frame is cut off"
        frames.append(Frame(bool(data[0] & 0x80), bool(data[0] & 0x40), data[0] & 0x0F, length))
        data = data[end:]
    return frames


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            kept += data
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@contextlib.asynccontextmanager
async def tapped(url: str) -> AsyncIterator[Tap]:
    """Relay one connection to the ws:// URL; all bytes have gone through when the block ends."""
    tap = Tap()
    host, port = urlsplit(url).hostname, urlsplit(url).port
    accepted: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
        asyncio.get_running_loop().create_future()
    )

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result((reader, writer))

    async def relay() -> None:
        reader, writer = await accepted
        there_reader, there_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(
            _pump(reader, there_writer, tap.from_client),
            _pump(there_reader, writer, tap.from_server),
        )
        for one in (writer, there_writer):
            one.close()
            with contextlib.suppress(OSError):
                await one.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    tap.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    relaying = asyncio.create_task(relay())
    try:
        yield tap
        await relaying
    finally:
        relaying.cancel()
        server.close()
        await server.wait_closed()
