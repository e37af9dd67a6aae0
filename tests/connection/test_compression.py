"""Compressed connections, to servers of other packages and to a scripted one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import websockets
from aiohttp import WSMsgType, web
from deflating import TAIL, deflate
from ends import turns, until_idle
from rawserver import BINARY, TEXT, RawConnection, raw_server
from websockets.asyncio.server import ServerConnection, serve as websockets_serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

import wirespeed
from wirespeed import Deflate, HandshakeError, WebSocketConnection
from wirespeed._base.rfc6455 import frame_header

BARE = Deflate(server_max_window_bits=15, client_max_window_bits=15)
TICK = '{"symbol": "BTCUSD", "bid": 67012.25, "ask": 67012.5, "venues": ["a", "b", "c"]}'
RSV1 = 0x40

Serve = Callable[..., AbstractAsyncContextManager[str]]


@contextlib.asynccontextmanager
async def websockets_server(burst: tuple[str | bytes, ...] = (), **settings: Any) -> Any:
    """Echo messages, compressed with these settings of `ServerPerMessageDeflateFactory`."""

    async def handle(connection: ServerConnection) -> None:
        for greeting in burst:
            await connection.send(greeting)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    async with websockets_serve(
        handle,
        "127.0.0.1",
        0,
        compression=None,
        extensions=[ServerPerMessageDeflateFactory(**settings)],
        max_size=None,
    ) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@contextlib.asynccontextmanager
async def aiohttp_server(burst: tuple[str | bytes, ...] = ()) -> AsyncIterator[str]:
    """Echo messages, compressed if the client offers it."""

    async def handle(request: web.BaseRequest) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=True, max_msg_size=0)
        await connection.prepare(request)
        for greeting in burst:
            await (
                connection.send_str(greeting)
                if isinstance(greeting, str)
                else connection.send_bytes(greeting)
            )
        async for message in connection:
            if message.type == WSMsgType.TEXT:
                await connection.send_str(message.data)
            else:
                await connection.send_bytes(message.data)
        return connection

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


SERVERS: dict[str, Serve] = {"websockets": websockets_server, "aiohttp": aiohttp_server}
both_servers = pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)


async def exchange(connection: WebSocketConnection, size: int) -> None:
    """Send messages of `size` bytes in every way, and expect each of them back."""
    text = (TICK * (size // len(TICK) + 1))[: size - 1] + "\N{SNOWMAN}"
    data = bytes(value * value % 251 for value in range(size))
    await connection.send_text(text)
    assert await connection.receive_text() == text
    await connection.send_bytes(data)
    assert await connection.receive_bytes() == data
    await connection.send_json([text], compress=True)
    assert await connection.receive_json() == [text]
    await connection.send(text, compress=False)
    assert await connection.receive_text() == text
    await connection.send([text[: size // 3], "", text[size // 3 :]])
    assert await connection.receive_text() == text
    await connection.send_many([text, data, memoryview(data)] * 5)
    for _ in range(5):
        assert await connection.receive_text() == text
        assert [await connection.receive_bytes() for _ in range(2)] == [data] * 2


@both_servers
@pytest.mark.parametrize("decode_text", [True, False])
async def test_echo(serve: Serve, decode_text: bool) -> None:
    async with (
        serve() as url,
        wirespeed.connect(url, compression="deflate") as connection,
    ):
        assert connection.compression is not None
        assert not connection.compression.server_no_context_takeover
        for size in (1, 120, 128, 4096, 70_000, 1 << 20):
            await exchange(connection, size)
    assert connection.close_code == 1000
    async with (
        serve(burst=(TICK, b"data")) as url,
        wirespeed.connect(url, compression="deflate", decode_text=decode_text) as connection,
    ):
        assert await connection.receive_text() == (TICK if decode_text else TICK.encode())
        assert await connection.receive_bytes() == b"data"


@pytest.mark.parametrize("bits", [8, 9, 12, 15])
@pytest.mark.parametrize("alone", [True, False])
async def test_settings_that_the_server_asks_for(bits: int, alone: bool) -> None:
    settings: dict[str, Any] = {"client_max_window_bits": bits, "client_no_context_takeover": alone}
    # The server cannot send with a window of 2^8 bytes.
    settings |= {"server_max_window_bits": max(bits, 9), "server_no_context_takeover": alone}
    async with (
        websockets_server(**settings) as url,
        wirespeed.connect(url, compression=Deflate(threshold=0)) as connection,
    ):
        assert connection.compression == Deflate(
            server_max_window_bits=max(bits, 9),
            client_max_window_bits=bits,
            server_no_context_takeover=alone,
            client_no_context_takeover=alone,
            threshold=0,
        )
        for size in (1, 500, 5000, 70_000):
            await exchange(connection, size)


@pytest.mark.parametrize(
    "offered",
    [
        Deflate(server_max_window_bits=9, client_max_window_bits=9),
        Deflate(server_no_context_takeover=True, client_no_context_takeover=True),
        Deflate(level=9, mem_level=9, threshold=1),
    ],
    ids=["small", "alone", "level"],
)
@both_servers
async def test_settings_that_the_client_asks_for(serve: Serve, offered: Deflate) -> None:
    async with serve() as url, wirespeed.connect(url, compression=offered) as connection:
        agreed = connection.compression
        assert agreed is not None
        assert (agreed.level, agreed.threshold) == (offered.level, offered.threshold)
        assert agreed.server_no_context_takeover == offered.server_no_context_takeover
        for size in (1, 5000):
            await exchange(connection, size)


@pytest.mark.parametrize("offered", [None, "deflate"])
async def test_a_server_that_does_not_compress(offered: Any) -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets_serve(echo, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with wirespeed.connect(url, compression=offered) as connection:
            assert connection.compression is None
            await connection.send_text(TICK, compress=True)
            assert await connection.receive_text() == TICK


async def test_an_answer_that_is_illegal() -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.accept("Sec-WebSocket-Extensions: permessage-deflate; x=1")
        await connection.reader.read()

    async with raw_server(handle) as url:
        with pytest.raises(HandshakeError, match="has the unknown parameter 'x'"):
            await wirespeed.connect(url, compression="deflate")


def compressed(opcode: int, payload: bytes) -> bytes:
    header = bytearray(frame_header(opcode, len(payload)))
    header[0] |= RSV1
    return bytes(header) + payload


@contextlib.asynccontextmanager
async def both_ends(
    trailing: bytes = b"", **options: Any
) -> AsyncIterator[tuple[WebSocketConnection, RawConnection]]:
    """Yield both ends of a connection that may compress."""
    arrived: asyncio.Future[RawConnection] = asyncio.get_running_loop().create_future()
    released = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept("Sec-WebSocket-Extensions: permessage-deflate", trailing=trailing)
        arrived.set_result(connection)
        await released.wait()

    async with raw_server(handle) as url:
        try:
            connection = await wirespeed.connect(url, **{"compression": "deflate"} | options)
            try:
                yield connection, await arrived
            finally:
                released.set()
                await connection.close()
        finally:
            released.set()


async def test_frames_that_come_with_the_response() -> None:
    async with both_ends(compressed(TEXT, deflate(b"early"))) as (connection, _):
        assert connection.compression == BARE
        assert await connection.receive_text() == "early"


async def test_what_is_on_the_wire() -> None:
    async with both_ends(compression=Deflate(threshold=10)) as (connection, server):
        await connection.send_text("short")
        await connection.send_text("long enough, long enough")
        await connection.send_text("long enough, long enough", compress=False)
        await connection.send_bytes(b"tiny", compress=True)
        await connection.send(["long ", "enough"])
        await connection.ping("a ping is never compressed")
        frames = [await server.read_frame() for _ in range(7)]
    assert [frame.reserved for frame in frames] == [0, RSV1, 0, RSV1, RSV1, 0, 0]
    assert [frame.opcode for frame in frames] == [TEXT, TEXT, TEXT, BINARY, TEXT, 0, 9]
    assert [frame.fin for frame in frames] == [True] * 4 + [False, True, True]
    assert len(frames[1].payload) < 20
    assert TAIL not in frames[1].payload


async def test_a_bomb_ends_the_connection() -> None:
    payload = deflate(bytes(1 << 24), level=9)
    async with both_ends(max_message_size=1 << 20) as (connection, server):
        await server.write(compressed(TEXT, deflate(b"before")) + compressed(BINARY, payload))
        assert await connection.receive_text() == "before"
        with pytest.raises(
            wirespeed.MessageTooBig, match="at least 1048577 bytes, limit is 1048576"
        ):
            await connection.receive()
        assert connection.close_code == 1009


@pytest.mark.parametrize("is_early", [True, False], ids=["with the response", "later"])
async def test_one_read_inflates_to_little_more_than_the_queue_takes(is_early: bool) -> None:
    bombs = compressed(BINARY, deflate(bytes(1 << 16), level=9)) * 1000
    limit = 1 << 20
    early, late = (bombs, b"") if is_early else (b"", bombs)
    async with both_ends(early, max_queue_bytes=limit) as (connection, server):
        await server.write(late)
        # Reading pauses, and inflating what was read.
        await connection.receive_bytes()
        await until_idle(lambda: connection.pending)
        assert limit < connection.pending.bytes < limit + 256 * 1024
        received = 1
        while received < 1000:
            received += len(await connection.receive_many())
            assert connection.pending.bytes < limit + 256 * 1024


@pytest.mark.parametrize(
    ("frame", "error", "code"),
    [
        (compressed(TEXT, b"\xff\xff"), wirespeed.InvalidCompression, 1007),
        (compressed(TEXT, deflate(b"\xff\xff")), wirespeed.InvalidUtf8, 1007),
        (compressed(0x9, b""), wirespeed.ProtocolError, 1002),
    ],
    ids=["corrupt", "text", "ping"],
)
async def test_faults(frame: bytes, error: type[Exception], code: int) -> None:
    async with both_ends() as (connection, server):
        await server.write(frame)
        with pytest.raises(error):
            await connection.receive()
        close = await server.read_frame()
        assert int.from_bytes(close.payload[:2], "big") == code


async def test_sends_that_fail_do_not_break_the_context() -> None:
    async with websockets_server() as url:
        async with wirespeed.connect(url, compression=Deflate(threshold=0)) as connection:
            await connection.send_text(TICK)
            with pytest.raises(ValueError, match="not valid UTF-8"):
                await connection.send_text(b"\xff" * 500)
            with pytest.raises(TypeError):
                await connection.send_bytes(5)  # type: ignore[arg-type]
            await turns(3)
            await connection.send_text(TICK)
            assert [await connection.receive_text() for _ in range(2)] == [TICK] * 2
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await connection.send_text(TICK)
