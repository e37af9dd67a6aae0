"""The client against the servers of other packages: plain and TLS, every loop and transport.

The tests do not look at bytes, only at whether both sides understand each other.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence

import pytest
import trustme
from ends import Tls, collect
from rawserver import RawConnection, raw_server
from servers import Behaviour, ServerFactory, aiohttp_server, picows_server

import wirespeed
from wirespeed import Message, MessageType, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")

SMALL_SIZES = (0, 1, 125, 126, 65535, 65536)
BURST = [f"{number} tick" if number % 3 else b"%d tick" % number for number in range(10_000)]


async def exchange(connection: WebSocketConnection, size: int) -> None:
    """Send messages of `size` bytes in every way, and expect each of them back."""
    # With two bytes for each character, characters straddle every boundary.
    text = "x" * (size % 2) + "é" * (size // 2)
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    await connection.send_text(text)
    assert await connection.receive_text() == text
    await connection.send_bytes(data)
    assert await connection.receive_bytes() == data
    await connection.send_json({"size": size, "text": text})
    assert await connection.receive_json() == {"size": size, "text": text}
    await connection.send(text)
    assert await connection.receive() == Message(MessageType.TEXT, text)
    await connection.send(memoryview(data))
    assert await connection.receive() == Message(MessageType.BINARY, data)
    await connection.send([text[: size // 3], text[size // 3 :], ""])
    assert await connection.receive_text() == text


@pytest.mark.parametrize("sizes", [SMALL_SIZES, [1 << 20], [5 << 20]], ids=["small", "1M", "5M"])
async def test_echo(serve: ServerFactory, tls: Tls, sizes: Sequence[int]) -> None:
    async with (
        serve(ssl=tls.server) as server,
        wirespeed.connect(server.url, ssl=tls.client) as connection,
    ):
        for size in sizes:
            await exchange(connection, size)
        assert connection.close_code is None
        assert connection.close_reason is None
        assert not connection.closed


async def test_echo_of_many_in_flight(serve: ServerFactory, tls: Tls) -> None:
    async def send(connection: WebSocketConnection) -> None:
        for message in BURST:
            await connection.send(message)

    async with (
        serve(ssl=tls.server) as server,
        wirespeed.connect(server.url, ssl=tls.client) as connection,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(send(connection))
        received = [await connection.receive() for _ in BURST]
        assert [message.data for message in received] == BURST


Receiver = Callable[[WebSocketConnection], Awaitable[list[str | bytes]]]


async def by_iterating(connection: WebSocketConnection) -> list[str | bytes]:
    return [message async for message in connection]


async def by_batches(connection: WebSocketConnection) -> list[str | bytes]:
    return [message async for batch in connection.batches() for message in batch]


async def by_small_batches(connection: WebSocketConnection) -> list[str | bytes]:
    received: list[str | bytes] = []
    async for batch in connection.batches(7):
        assert 1 <= len(batch) <= 7
        received += batch
    return received


async def by_receive_many(connection: WebSocketConnection) -> list[str | bytes]:
    received: list[str | bytes] = []
    while len(received) < len(BURST):
        received += await connection.receive_many()
    return received


async def by_receive(connection: WebSocketConnection) -> list[str | bytes]:
    return [(await connection.receive(timeout=30)).data for _ in BURST]


async def by_receive_nowait(connection: WebSocketConnection) -> list[str | bytes]:
    received: list[str | bytes] = []
    while len(received) < len(BURST):
        try:
            received.append(connection.receive_nowait().data)
        except asyncio.QueueEmpty:
            await asyncio.sleep(0)
    return received


WAYS_TO_RECEIVE = (
    by_iterating,
    by_batches,
    by_small_batches,
    by_receive_many,
    by_receive,
    by_receive_nowait,
)


async def expect_burst(url: str, context: ssl.SSLContext | None, receive: Receiver) -> None:
    async with wirespeed.connect(url, ssl=context) as connection:
        assert await receive(connection) == BURST
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await connection.receive()
        assert (connection.close_code, connection.close_reason) == (1000, "that was all")


async def test_burst_of_each_server(serve: ServerFactory, tls: Tls) -> None:
    behaviour = Behaviour(burst=BURST, close=(1000, "that was all"))
    async with serve(behaviour, ssl=tls.server) as server:
        await expect_burst(server.url, tls.client, by_iterating)


@pytest.mark.parametrize("receive", WAYS_TO_RECEIVE)
async def test_burst_in_each_way(tls: Tls, receive: Receiver) -> None:
    behaviour = Behaviour(burst=BURST, close=(1000, "that was all"))
    async with picows_server(behaviour, ssl=tls.server) as server:
        await expect_burst(server.url, tls.client, receive)


async def test_subprotocol(serve: ServerFactory, tls: Tls) -> None:
    async with serve(Behaviour(subprotocols=["ticks"]), ssl=tls.server) as server:
        async with wirespeed.connect(
            server.url, ssl=tls.client, subprotocols=["other", "ticks"]
        ) as connection:
            assert connection.subprotocol == "ticks"
        async with wirespeed.connect(server.url, ssl=tls.client) as connection:
            assert connection.subprotocol is None
        async with wirespeed.connect(
            server.url, ssl=tls.client, subprotocols=["other"]
        ) as connection:
            assert connection.subprotocol is None


async def test_response(serve: ServerFactory, tls: Tls) -> None:
    async with (
        serve(ssl=tls.server) as server,
        wirespeed.connect(server.url, ssl=tls.client) as connection,
    ):
        assert connection.response.status == 101
        assert connection.response.headers["upgrade"].lower() == "websocket"


async def test_client_closes(serve: ServerFactory, tls: Tls) -> None:
    async with serve(ssl=tls.server) as server:
        async with wirespeed.connect(server.url, ssl=tls.client) as connection:
            await connection.close(3001, "räson")
            assert connection.closed
            # aiohttp answers every Close frame with 1000.
            assert connection.close_code == (1000 if serve is aiohttp_server else 3001)
        assert await server.closes.get() == (3001, "räson")


async def test_leaving_the_block_closes(serve: ServerFactory, tls: Tls) -> None:
    async with serve(ssl=tls.server) as server:
        async with wirespeed.connect(server.url, ssl=tls.client) as connection:
            pass
        assert connection.close_code == 1000
        assert await server.closes.get() == (1000, "")


async def test_nothing_runs_on_behind_the_block(serve: ServerFactory, tls: Tls) -> None:
    async with serve(ssl=tls.server) as server:
        before = asyncio.all_tasks()
        async with wirespeed.connect(server.url, ssl=tls.client) as connection:
            await connection.send("x")
            await connection.receive()
            ours = [task for task in asyncio.all_tasks() - before if "wirespeed" in repr(task)]
            assert ours == []


@pytest.mark.parametrize("code", [1000, 1001])
async def test_server_closes_cleanly(serve: ServerFactory, tls: Tls, code: int) -> None:
    behaviour = Behaviour(burst=["last"], close=(code, "bye"))
    async with (
        serve(behaviour, ssl=tls.server) as server,
        wirespeed.connect(server.url, ssl=tls.client) as connection,
    ):
        assert [message async for message in connection] == ["last"]
        assert [message async for message in connection] == []
        assert [batch async for batch in connection.batches()] == []
        assert (connection.close_code, connection.close_reason) == (code, "bye")
        with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
            await connection.receive()
        assert (caught.value.code, caught.value.reason) == (code, "bye")


async def test_server_closes_with_an_error(serve: ServerFactory, tls: Tls) -> None:
    behaviour = Behaviour(burst=["last"], close=(3002, "out of ticks"))
    received: list[str | bytes] = []
    async with (
        serve(behaviour, ssl=tls.server) as server,
        wirespeed.connect(server.url, ssl=tls.client) as connection,
    ):
        with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
            await collect(connection, received)
        assert received == ["last"]
        assert (caught.value.code, caught.value.reason) == (3002, "out of ticks")
        assert caught.value.received == (3002, "out of ticks")
        assert connection.close_code == 3002


async def test_ping(serve: ServerFactory, tls: Tls) -> None:
    async with (
        serve(ssl=tls.server) as server,
        wirespeed.connect(server.url, ssl=tls.client) as connection,
    ):
        first = await connection.ping()
        second = await connection.ping(b"\x00\xff" * 62)
        third = await connection.ping("text")
        assert [type(await pong) for pong in (third, second, first)] == [float] * 3
        assert first.result() >= 0


async def test_refusal(serve: ServerFactory, tls: Tls) -> None:
    async with serve(Behaviour(refuse=(403, b"not today")), ssl=tls.server) as server:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await wirespeed.connect(server.url, ssl=tls.client)
        assert caught.value.status == 403
        assert caught.value.reason == "Forbidden"
        assert caught.value.body == b"not today"
        assert caught.value.headers["content-length"] == "9"


async def test_connections_side_by_side(serve: ServerFactory, tls: Tls) -> None:
    async def exchange_sizes(url: str, number: int) -> None:
        async with wirespeed.connect(url, ssl=tls.client) as connection:
            for step in range(20):
                data = bytes([number, step]) * (10 ** (step % 6))
                await connection.send(data)
                assert await connection.receive_bytes() == data

    async with serve(ssl=tls.server) as server, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(exchange_sizes(server.url, number))


async def test_server_name(server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        await connection.close_politely()

    async with (
        raw_server(serve, ssl=server_ssl) as url,
        wirespeed.connect(url, ssl=client_ssl, server_hostname="localhost") as connection,
    ):
        assert [message async for message in connection] == []


@pytest.mark.parametrize("fault", ["another name", "another authority"])
async def test_certificate_that_does_not_verify(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext, fault: str
) -> None:
    async def never_called(connection: RawConnection) -> None:
        raise AssertionError("the TLS handshake went through")

    context, name = client_ssl, "elsewhere.example"
    if fault == "another authority":
        context, name = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "localhost"
        trustme.CA().configure_trust(context)
    async with raw_server(never_called, ssl=server_ssl, connections=0) as url:
        with pytest.raises(ssl.SSLCertVerificationError):
            await wirespeed.connect(url, ssl=context, server_hostname=name)
