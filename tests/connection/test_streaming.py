"""Messages in chunks over real connections: larger than memory, compressed, paused, cut off.

No test depends on where a message is cut, only on what its chunks add up to.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest
import reference
from aiohttp import web
from deflating import deflate
from ends import (
    Tls,
    both_ends,
    close_frame,
    deliver,
    intervals,
    ping_frame,
    text_frame,
    turns,
    until_idle,
)
from rawserver import BINARY, CONTINUATION, PING, PONG, TEXT, RawConnection, raw_server
from websockets.asyncio.server import ServerConnection, serve as websockets_serve

import wirespeed
from wirespeed import ConnectionDisconnected, Deflate, IdleTimeout

MIB = 1024 * 1024
SHORT = 0.05
HUGE = 200 * MIB
BLOCK = bytes(range(256)) * 4096
PROSE = "wirespeed é中😀 " * 70_000


async def send_huge(server: RawConnection, opcode: int, block: bytes, size: int) -> None:
    """Send one frame of `size` bytes, without holding more of it than a block."""
    await server.write(reference.header(opcode, size))
    for _ in range(size // len(block)):
        await server.write(block)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.deadline(120)
async def test_a_message_larger_than_memory(tls: Tls, opcode: int) -> None:
    block = b"all of it is ASCII. " * 52_000 if opcode == TEXT else BLOCK
    size = HUGE // len(block) * len(block)
    async with both_ends(
        server_ssl=tls.server, ssl=tls.client, max_message_size=None, max_queue_bytes=MIB
    ) as (client, server):
        tracemalloc.start()
        try:
            sending = asyncio.create_task(send_huge(server, opcode, block, size))
            received, digest = 0, hashlib.blake2b()
            async for chunk in client.receive_stream():
                data = chunk.encode() if isinstance(chunk, str) else chunk
                received += len(data)
                digest.update(data)
                # A slow consumer: what it has not taken yet stays with the peer.
                await turns()
            await sending
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert received == size
        assert digest.digest() == hashlib.blake2b(block * (size // len(block))).digest()
        assert peak < 16 * MIB
        await server.write(text_frame("behind"))
        assert await client.receive_text() == "behind"


@pytest.mark.parametrize("end", ["close", "reset", "silence"])
async def test_a_frame_that_claims_a_tebibyte(tls: Tls, end: str) -> None:
    async with both_ends(server_ssl=tls.server, ssl=tls.client, max_message_size=None) as (
        client,
        server,
    ):
        await server.write(reference.header(BINARY, 1 << 40) + b"a" * 1000)
        stream = client.receive_stream(timeout=0.2 if end == "silence" else None)
        received = b""
        with pytest.raises(TimeoutError if end == "silence" else ConnectionDisconnected):
            async for chunk in stream:
                assert isinstance(chunk, bytes)
                received += chunk
                if len(received) == 1000 and end == "close":
                    server.writer.close()
                elif len(received) == 1000 and end == "reset":
                    server.reset()
        assert received == b"a" * 1000
        if end == "silence":
            await server.write(b"b")
            assert await anext(stream) == b"b"
            await stream.aclose()
            # Discarding the rest must not delay the closing.
            server.writer.close()


async def test_fragments_with_pings_between_and_messages_around(tls: Tls) -> None:
    async with both_ends(server_ssl=tls.server, ssl=tls.client) as (client, server):
        payload = PROSE.encode()
        fragments = [payload[at : at + 9_999] for at in range(0, len(payload), 9_999)]
        data = text_frame("before")
        for number, fragment in enumerate(fragments):
            data += reference.frame(
                CONTINUATION if number else TEXT, fragment, fin=number == len(fragments) - 1
            )
            data += ping_frame(b"%d" % number)
        sending = asyncio.create_task(server.write(data + text_frame("behind")))
        assert [chunk async for chunk in client.receive_stream()] == ["before"]
        chunks = [chunk async for chunk in client.receive_stream()]
        assert "".join(str(chunk) for chunk in chunks) == PROSE
        assert [chunk async for chunk in client.receive_stream()] == ["behind"]
        await sending
        for number in range(len(fragments)):
            frame = await server.read_frame()
            assert (frame.opcode, frame.payload) == (PONG, b"%d" % number)


@contextlib.asynccontextmanager
async def websockets_server(messages: list[Any], **options: Any) -> AsyncIterator[str]:
    """Send these messages; a list is sent in fragments."""

    async def handle(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.wait_closed()

    async with websockets_serve(handle, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@contextlib.asynccontextmanager
async def aiohttp_server(messages: list[Any]) -> AsyncIterator[str]:
    """Send these messages, compressed if the client offers that."""

    async def handle(request: web.BaseRequest) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=True)
        await connection.prepare(request)
        for message in messages:
            if isinstance(message, str):
                await connection.send_str(message)
            else:
                await connection.send_bytes(message)
        await connection.receive()
        return connection

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"ws://{host}:{port}/"
    finally:
        await runner.cleanup()


async def check_large_messages(url: str, messages: list[Any], **options: Any) -> None:
    """Receive messages in chunks and whole by turns."""
    async with wirespeed.connect(url, max_message_size=None, **options) as ws:
        assert (ws.compression is not None) is ("compression" in options)
        for number, message in enumerate(messages):
            whole = "".join(message) if isinstance(message, list) else message
            if number % 2:
                assert (await ws.receive()).data == whole
            else:
                chunks: list[Any] = [chunk async for chunk in ws.receive_stream()]
                assert whole[:0].join(chunks) == whole


@pytest.mark.parametrize("options", [{}, {"compression": "deflate"}], ids=["plain", "deflate"])
async def test_a_server_of_websockets(options: dict[str, Any]) -> None:
    messages: list[Any] = [PROSE, BLOCK * 3, [PROSE[:1000], PROSE[1000:], "end"], "short", BLOCK]
    compression = "deflate" if options else None
    async with websockets_server(messages, compression=compression) as url:
        await check_large_messages(url, messages, **options)


@pytest.mark.parametrize("options", [{}, {"compression": "deflate"}], ids=["plain", "deflate"])
async def test_a_server_of_aiohttp(options: dict[str, Any]) -> None:
    messages: list[Any] = [PROSE, BLOCK * 3, BLOCK, "short", PROSE]
    async with aiohttp_server(messages) as url:
        await check_large_messages(url, messages, **options)


@pytest.mark.parametrize("takeover", [True, False])
async def test_a_compressed_message_larger_than_memory(*, takeover: bool) -> None:
    """About 64 KiB inflate to 64 MiB. Each read is inflated alone, and then handed over."""
    deflated = deflate(bytes(64 * MIB))
    first = bytearray(reference.frame(BINARY, deflated[:1000], fin=False))
    first[0] |= 0x40
    frames = bytes(first) + reference.frame(CONTINUATION, deflated[1000:])

    async def handle(server: RawConnection) -> None:
        answer = "permessage-deflate" + ("" if takeover else "; server_no_context_takeover")
        await server.accept(f"Sec-WebSocket-Extensions: {answer}")
        await server.write(frames + text_frame("behind"))
        await server.close_politely()

    settings = Deflate(server_no_context_takeover=not takeover)
    async with (
        raw_server(handle) as url,
        wirespeed.connect(url, compression=settings, max_message_size=None) as ws,
    ):
        sizes = 0
        async for chunk in ws.receive_stream():
            assert not any(chunk[:: MIB // 8])
            # The size that one read inflates to. The first chunk may be larger, with data that
            # arrived before.
            assert len(chunk) <= 33 * MIB
            sizes += len(chunk)
        assert sizes == 64 * MIB
        assert await ws.receive_text() == "behind"


async def held_back(client: wirespeed.WebSocketConnection, server: RawConnection) -> list[Any]:
    """Send an endless message until reading is paused; return its sender."""
    sent: list[int] = []

    async def flood() -> None:
        await server.write(reference.header(BINARY, 1 << 40))
        while True:
            await server.write(BLOCK)
            sent.append(len(BLOCK))

    flooding = asyncio.create_task(flood())
    await until_idle(lambda: len(sent))
    assert client.stats.pauses == 1
    assert client.stats.wire_bytes_received < 3 * MIB
    return [flooding, sent]


@pytest.mark.parametrize("how", ["stream", "receive"])
async def test_nobody_waits_for_a_message_without_end(how: str) -> None:
    async with both_ends(max_message_size=None, max_queue_bytes=MIB) as (client, server):
        flooding, sent = await held_back(client, server)
        before = len(sent)
        if how == "stream":
            received = 0
            async with client.receive_stream() as stream:
                async for chunk in stream:
                    received += len(chunk)
                    if received > 64 * MIB:
                        break
            # The rest is neither held back nor kept.
            while client.stats.wire_bytes_received < 128 * MIB:
                await turns()
            assert client.pending == (0, 0)
        else:
            waiting = asyncio.create_task(client.receive())
            while client.stats.wire_bytes_received < 32 * MIB:
                await turns()
            waiting.cancel()
            await until_idle(lambda: len(sent))
            assert client.stats.pauses == 2
        assert len(sent) > before
        flooding.cancel()
        await asyncio.wait([flooding])


async def test_closing_while_a_message_without_end_is_held_back() -> None:
    async with both_ends(max_message_size=None, max_queue_bytes=MIB) as (client, server):
        flooding, _ = await held_back(client, server)
        closing = asyncio.create_task(client.close())
        assert await server.expect_close() == (1000, "")
        assert client._parser.filled <= 2 * MIB
        flooding.cancel()
        await asyncio.wait([flooding])
        server.reset()
        await closing


async def test_keep_alive_while_a_message_is_held_back() -> None:
    options: dict[str, Any] = {"ping_interval": SHORT, "ping_timeout": SHORT, "max_queue_bytes": 10}
    async with both_ends(**options) as (client, server):
        await server.write(reference.frame(BINARY, b"a" * 20, fin=False))
        # While nothing is read, no Pong can be seen, and no timeout ends the connection.
        await intervals(6, SHORT)
        assert not client.closed
        await server.write(reference.frame(CONTINUATION, b"b"))
        assert await client.receive_bytes() == b"a" * 20 + b"b"


async def test_a_message_that_takes_long_is_no_silence() -> None:
    options: dict[str, Any] = {"ping_interval": SHORT, "ping_timeout": None}
    async with both_ends(idle_timeout=4 * SHORT, **options) as (client, server):

        async def trickle() -> None:
            await server.write(reference.frame(TEXT, b"", fin=False))
            for _ in range(30):
                await server.write(reference.frame(CONTINUATION, b"a", fin=False))
                assert (await server.read_frame()).opcode == PING
            await server.write(reference.frame(CONTINUATION, b""))

        sending = asyncio.create_task(trickle())
        chunks = [chunk async for chunk in client.receive_stream()]
        await sending
        assert "".join(str(chunk) for chunk in chunks) == "a" * 30
        with pytest.raises(IdleTimeout):
            await anext(client.receive_stream())


async def test_a_stream_at_the_clean_close(tls: Tls) -> None:
    async with both_ends(server_ssl=tls.server, ssl=tls.client) as (client, server):
        await deliver(server, text_frame("whole") + reference.frame(TEXT, b"cut", fin=False))
        await server.write(close_frame(1000))
        assert [chunk async for chunk in client.receive_stream()] == ["whole"]
        chunks: list[Any] = []
        with pytest.raises(ConnectionDisconnected) as caught:
            async for chunk in client.receive_stream():
                # A comprehension would lose the chunks before the error.
                chunks.append(chunk)  # noqa: PERF401
        assert caught.value.code == 1000
        assert chunks == ["cut"]


async def test_frames_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "wirespeed"):
        async with both_ends() as (client, server):
            await server.write(reference.frame(TEXT, b"first ", fin=False))
            stream = client.receive_stream()
            assert await anext(stream) == "first "
            await server.write(reference.frame(CONTINUATION, b"a" * 200_000))
            assert sum([len(chunk) async for chunk in stream]) == 200_000
    logged = [record.getMessage() for record in caplog.records]
    assert "< text (not the last) 6 bytes 'first '" in logged
    assert any(line.startswith("< continuation 200000 bytes") for line in logged)
