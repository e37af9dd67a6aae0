"""Gives a test both ends of one connection, and ways to wait for the event loop.

Uses only the client's public names.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple

import reference
from looprunner import open_sockets
from rawserver import BINARY, CLOSE, PING, PONG, TEXT, RawConnection, close_payload, raw_server

import wirespeed

# If nothing has changed for this many turns of the loop, nothing more is going to happen: both ends
# are in this loop, and each turn looks at every socket.
IDLE_TURNS: Final = 100


class Tls(NamedTuple):
    """The TLS contexts of both ends; `None` for a plain connection."""

    server: ssl.SSLContext | None
    client: ssl.SSLContext | None


@contextlib.asynccontextmanager
async def both_ends(
    *,
    server_ssl: ssl.SSLContext | None = None,
    limit: int = 65536,
    trailing: bytes = b"",
    **options: Any,
) -> AsyncIterator[tuple[wirespeed.WebSocketConnection, RawConnection]]:
    """Yield an open connection and the server's end of it.

    When the block ends, the server ends the stream, and the client is closed.

    Args:
        server_ssl: serve TLS.
        limit: how much the server's end reads ahead, in bytes.
        trailing: the first frames, sent in one write with the response.
        options: for `wirespeed.connect`.
    """
    arrived: asyncio.Future[RawConnection] = asyncio.get_running_loop().create_future()
    released = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept(trailing=trailing)
        arrived.set_result(connection)
        await released.wait()

    async with raw_server(handle, ssl=server_ssl, limit=limit) as url:
        try:
            connection = await wirespeed.connect(url, **options)
            try:
                yield connection, await arrived
            finally:
                released.set()
                await connection.close()
        finally:
            released.set()


async def turns(count: int = 1) -> None:
    """Let the event loop run `count` turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def intervals(count: int, seconds: float) -> None:
    """Let time pass: `count` times `seconds` or more.

    The clock is keep-alive of a connection of its own, so timers of the same loop have run as well.
    """
    async with both_ends(ping_interval=seconds, ping_timeout=None) as (_, server):
        for _ in range(count):
            frame = await server.read_frame()
            assert frame.opcode == PING
            await server.write(pong_frame(frame.payload))


async def until_idle(probe: Callable[[], object]) -> None:
    """Wait until `probe` has returned the same value for `IDLE_TURNS` turns of the loop."""
    last, same = probe(), 0
    while same < IDLE_TURNS:
        await asyncio.sleep(0)
        now = probe()
        same = same + 1 if now == last else 0
        last = now


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Wait until every socket and task that the block began is gone."""
    sockets, tasks = open_sockets(), asyncio.all_tasks()
    yield
    async with asyncio.timeout(10):
        while open_sockets() - sockets or asyncio.all_tasks() - tasks:
            await turns()


async def deliver(server: RawConnection, data: bytes) -> None:
    """Send whole frames, and wait until the client has read them."""
    await server.write(data + ping_frame(b"delivered?"))
    frame = await server.read_frame()
    assert (frame.opcode, frame.payload) == (PONG, b"delivered?")


async def collect(
    connection: wirespeed.WebSocketConnection, into: list[str | bytes] | None = None
) -> list[str | bytes]:
    """Receive until the iteration ends."""
    received = [] if into is None else into
    async for message in connection:
        received.append(message)
    return received


def text_frame(text: str, *, fin: bool = True) -> bytes:
    """Build a text frame as a server sends it."""
    return reference.frame(TEXT, text.encode(), fin=fin)


def binary_frame(data: bytes, *, fin: bool = True) -> bytes:
    """Build a binary frame as a server sends it."""
    return reference.frame(BINARY, data, fin=fin)


def ping_frame(data: bytes) -> bytes:
    """Build a Ping."""
    return reference.frame(PING, data)


def pong_frame(data: bytes) -> bytes:
    """Build a Pong."""
    return reference.frame(PONG, data)


def close_frame(code: int = 1000, reason: str = "") -> bytes:
    """Build a Close frame."""
    return reference.frame(CLOSE, close_payload(code, reason))
