"""How connections end: vanished servers, half-closed streams, missing and late Close frames.

Does not measure time: deadlines are short, and the tests await their effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from ends import (
    Tls,
    both_ends,
    close_frame,
    collect,
    ping_frame,
    text_frame,
    turns,
)
from rawserver import (
    PING,
    RawConnection,
    accept_response,
    linger_no_longer,
    parse_upgrade,
    raw_server,
)

import wirespeed
from wirespeed import ConnectionDisconnected, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")

# What may be unfinished when a server vanishes: half a frame, a fragment, half a header.
UNFINISHED = {
    "idle": b"",
    "inside a header": b"\x81",
    "inside a length": b"\x81\x7e\x01",
    "inside a payload": b"\x81\x05hel",
    "inside a large payload": b"\x82\x7f\x00\x00\x00\x00\x00\x40\x00\x00" + b"x" * 100_000,
    "inside a message": b"\x01\x05hello",
    "inside a control frame": b"\x89\x05pin",
}


def end_of_stream(server: RawConnection) -> None:
    server.writer.close()


def half_close(server: RawConnection) -> None:
    server.writer.write_eof()


def reset(server: RawConnection) -> None:
    server.reset()


async def check_lost(client: WebSocketConnection) -> None:
    """Check all that a program can ask of a connection that was lost without a Close frame."""
    for receive in (
        client.receive,
        client.receive_text,
        client.receive_bytes,
        client.receive_json,
        client.receive_many,
        lambda: anext(aiter(client)),
        lambda: anext(aiter(client.batches())),
        lambda: client.receive(timeout=0),
        lambda: client.send("x"),
        lambda: client.send_json("x"),
        lambda: client.send_many(["x"]),
        lambda: client.send(["x", "y"]),
        client.ping,
    ):
        with pytest.raises(ConnectionDisconnected) as caught:
            await receive()
        assert (caught.value.code, caught.value.reason) == (1006, "")
        assert caught.value.received is None
    with pytest.raises(ConnectionDisconnected):
        client.receive_nowait()
    assert client.closed
    assert (client.close_code, client.close_reason) == (1006, "")


@pytest.mark.parametrize("vanish", [end_of_stream, half_close, reset])
@pytest.mark.parametrize("unfinished", UNFINISHED)
async def test_a_server_that_vanishes(vanish: object, unfinished: str) -> None:
    assert callable(vanish)
    async with both_ends() as (client, server):
        pong = await client.ping()
        assert (await server.read_frame()).opcode == PING
        iterating = asyncio.create_task(collect(client))
        receiving = asyncio.create_task(client.receive())
        await turns()
        await server.write(UNFINISHED[unfinished])
        await turns(10)
        vanish(server)
        for waiting in (iterating, receiving, pong):
            with pytest.raises(ConnectionDisconnected):
                await waiting
        await check_lost(client)


@pytest.mark.parametrize("unfinished", ["idle", "inside a payload", "inside a large payload"])
async def test_a_tls_server_that_vanishes(tls: Tls, unfinished: str) -> None:
    async with both_ends(server_ssl=tls.server, ssl=tls.client) as (client, server):
        receiving = asyncio.create_task(client.receive())
        await server.write(UNFINISHED[unfinished])
        # Without the closing alert of TLS.
        server.writer.transport.abort()
        with pytest.raises(ConnectionDisconnected):
            await receiving
        await check_lost(client)


@pytest.mark.parametrize("vanish", [end_of_stream, half_close])
async def test_messages_before_the_end_stay_readable(vanish: object) -> None:
    assert callable(vanish)
    texts = [str(number) for number in range(100)]
    async with both_ends() as (client, server):
        await server.write(b"".join(map(text_frame, texts)) + b"\x81\x05un")
        vanish(server)
        received: list[str | bytes] = []
        with pytest.raises(ConnectionDisconnected):
            await collect(client, received)
        assert received == texts
        await check_lost(client)


async def _open(url: str) -> WebSocketConnection:
    return await wirespeed.connect(url)


@pytest.mark.parametrize("count", [1, 1000])
async def test_messages_and_a_reset_at_once(count: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        opening = asyncio.ensure_future(_open(f"ws://127.0.0.1:{port}/"))
        own, _ = await loop.sock_accept(listening)
        with own:
            own.setblocking(False)
            upgrade = parse_upgrade(await loop.sock_recv(own, 65536))
            await loop.sock_sendall(own, accept_response(upgrade))
            client = await opening
            received: list[str | bytes] = []
            receiving = asyncio.create_task(collect(client, received))
            await turns()
            # In one turn of the loop, so that the client's next read finds both.
            own.sendall(text_frame("last") * count)
            linger_no_longer(own)
    with pytest.raises(ConnectionDisconnected):
        await receiving
    # The system decides which data a reset destroys. The end must be noticed in any case.
    assert received == ["last"] * len(received)
    await check_lost(client)
    await client.close()


async def test_queued_messages_outlive_a_reset() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame("1") + text_frame("2") + ping_frame(b"read?"))
        # The answer shows that everything before it was read.
        assert (await server.read_frame()).payload == b"read?"
        server.reset()
        received: list[str | bytes] = []
        with pytest.raises(ConnectionDisconnected):
            await collect(client, received)
        assert received == ["1", "2"]
        await check_lost(client)


async def test_every_waiting_receiver_learns_of_a_clean_close() -> None:
    async with both_ends() as (client, server):
        iterating = [asyncio.create_task(collect(client)) for _ in range(3)]
        receiving = [asyncio.create_task(client.receive()) for _ in range(3)]
        await turns()
        await server.write(close_frame(1001, "away"))
        assert await asyncio.gather(*iterating) == [[], [], []]
        for error in await asyncio.gather(*receiving, return_exceptions=True):
            assert isinstance(error, ConnectionDisconnected)
            assert (error.code, error.reason) == (1001, "away")
            assert error.received == (1001, "away")
            assert error.sent is not None
            assert error.sent[0] == 1001


async def test_every_waiting_receiver_learns_of_the_clients_own_close() -> None:
    async with both_ends() as (client, server):
        iterating = asyncio.create_task(collect(client))
        receiving = asyncio.create_task(client.receive())
        await turns()
        closing = asyncio.create_task(client.close(1000, "enough"))
        assert await server.expect_close() == (1000, "enough")
        await server.write(text_frame("one more") + close_frame(1000, "well then"))
        server.writer.close()
        await closing
        assert await iterating == ["one more"]
        with pytest.raises(ConnectionDisconnected) as caught:
            await receiving
        assert caught.value.sent == (1000, "enough")
        assert caught.value.received == (1000, "well then")


async def test_both_close_at_once() -> None:
    async with both_ends() as (client, server):
        closing = asyncio.create_task(client.close(3001))
        await turns()
        await server.write(close_frame(3002))
        assert await server.expect_close() == (3001, "")
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await closing
        assert client.close_code == 3002


async def test_a_server_that_never_answers_the_close_frame() -> None:
    async with both_ends(close_timeout=0.05) as (client, server):
        await client.close()
        assert await server.expect_close() == (1000, "")
        assert await server.read_rest() == b""
        await check_lost(client)


async def test_a_server_that_never_closes_tcp(tls: Tls) -> None:
    async with both_ends(close_timeout=0.05, server_ssl=tls.server, ssl=tls.client) as (
        client,
        server,
    ):
        closing = asyncio.create_task(client.close())
        assert await server.expect_close() == (1000, "")
        await server.write(close_frame(1000))
        await closing
        assert await server.read_rest() == b""
        assert client.close_code == 1000


async def test_a_chatty_server_cannot_delay_closing() -> None:
    async def chat(server: RawConnection) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                await server.write(text_frame("and another thing") * 100)
                await turns()

    async with both_ends(close_timeout=0.1, max_queue=10) as (client, server):
        chatting = asyncio.create_task(chat(server))
        await turns(10)
        await client.close()
        await chatting
        with pytest.raises(ConnectionDisconnected):
            while True:
                assert await client.receive_text() == "and another thing"


async def test_a_server_that_does_not_read_cannot_delay_closing() -> None:
    async with both_ends(close_timeout=0.1, limit=1024) as (client, _):
        sending = asyncio.create_task(client.send_many([b"x" * 65536] * 1000))
        await turns(200)
        assert not sending.done()
        await client.close()
        with pytest.raises(ConnectionDisconnected):
            await sending
        assert client.close_code == 1006


async def test_a_server_that_lingers_after_its_own_close_frame() -> None:
    async with both_ends(close_timeout=0.05) as (client, server):
        await server.write(close_frame(1000))
        assert await server.expect_close() == (1000, "")
        # The deadline runs although nobody calls `close`.
        assert await server.read_rest() == b""
        assert await collect(client) == []


async def test_a_server_that_lingers_after_a_fault() -> None:
    async with both_ends(close_timeout=0.05) as (client, server):
        await server.write(b"\x83\x00")
        assert (await server.expect_close())[0] == 1002
        assert await server.read_rest() == b""
        with pytest.raises(wirespeed.ProtocolError):
            await client.receive()


async def test_a_cancelled_close_goes_on() -> None:
    async with both_ends() as (client, server):
        closing = asyncio.create_task(client.close(3000))
        assert await server.expect_close() == (3000, "")
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await server.write(close_frame(3000))
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await client.close()
        assert client.close_code == 3000


async def test_closing_twice() -> None:
    async with both_ends() as (client, server):
        closing = [asyncio.create_task(client.close(3000 + number)) for number in range(3)]
        assert await server.expect_close() == (3000, "")
        await server.write(close_frame(3000))
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await asyncio.gather(*closing)
        await client.close()
        await client.close(1000, "again")
        assert (client.close_code, client.close_reason) == (3000, "")


async def test_an_exception_in_the_block_closes_with_1011() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert await connection.expect_close() == (1011, "")

    async with raw_server(serve) as url:
        with pytest.raises(LookupError, match="of the user"):
            async with wirespeed.connect(url):
                raise LookupError("of the user")


async def test_a_task_that_outlives_the_block() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        await connection.expect_close()
        await connection.write(close_frame(1000))

    async with raw_server(serve) as url:
        async with wirespeed.connect(url) as connection:
            receiving = asyncio.create_task(connection.receive())
            iterating = asyncio.create_task(collect(connection))
            await turns()
        with pytest.raises(ConnectionDisconnected):
            await receiving
        assert await iterating == []


async def test_awaiting_instead_of_entering() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept(trailing=text_frame("hello"))
        assert await connection.expect_close() == (1000, "done")
        await connection.write(close_frame(1000, "done"))

    async with raw_server(serve) as url:
        connection = await wirespeed.connect(url)
        assert await connection.receive_text() == "hello"
        assert not connection.closed
        await connection.close(reason="done")
        assert (connection.close_code, connection.close_reason) == (1000, "done")


async def test_open_and_close_many_times() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert await connection.expect_close() == (1000, "")
        await connection.write(close_frame(1000))

    async with raw_server(serve, connections=50) as url:
        for _ in range(50):
            async with wirespeed.connect(url):
                pass


async def test_closing_inside_an_iteration() -> None:
    received: list[str | bytes] = []

    async def iterate(client: WebSocketConnection) -> None:
        async for message in client:
            received.append(message)
            if message == "2":
                await client.close(3000)

    async with both_ends() as (client, server):
        iterating = asyncio.create_task(iterate(client))
        await turns()
        await server.write(b"".join(text_frame(str(number)) for number in range(4)))
        assert await server.expect_close() == (3000, "")
        await server.write(text_frame("4") + close_frame(1000))
        server.writer.write_eof()
        await iterating
        assert received == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("answers", [True, False])
async def test_closing_while_a_full_queue_holds_reading_back(answers: bool) -> None:
    async with both_ends(max_queue=1, close_timeout=0.1) as (client, server):
        await server.write(text_frame("1") + text_frame("2"))
        await server.write(text_frame("3") * 1000)
        await turns(10)
        closing = asyncio.create_task(client.close())
        assert await server.expect_close() == (1000, "")
        if answers:
            await server.write(text_frame("4") + close_frame(3000))
            server.writer.write_eof()
        await closing
        assert client.close_code == (3000 if answers else 1006)
        assert await client.receive_text() == "1"
        assert await client.receive_text() == "2"


async def test_closing_after_the_server_ended_its_side() -> None:
    async with both_ends() as (client, server):
        server.writer.write_eof()
        with pytest.raises(ConnectionDisconnected):
            await client.receive()
        await client.close()
        await check_lost(client)


async def test_a_server_that_takes_its_time_over_each_byte_cannot_delay_closing() -> None:
    async def drip(server: RawConnection) -> None:
        # A message that never ends, in pieces of one byte.
        await server.write(b"\x82\x7f" + (1 << 20).to_bytes(8, "big"))
        with contextlib.suppress(ConnectionError):
            while True:
                await server.write(b"x")
                await turns()

    async with both_ends(close_timeout=0.05) as (client, server):
        dripping = asyncio.create_task(drip(server))
        await turns(10)
        await client.close()
        await dripping
        await check_lost(client)


async def test_a_close_that_is_cancelled_keeps_its_one_deadline() -> None:
    async with both_ends(close_timeout=0.05) as (client, server):
        for _ in range(3):
            closing = asyncio.create_task(client.close())
            await turns()
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
        assert await server.expect_close() == (1000, "")
        # The transport is closed in the end although no task waits for it.
        assert await server.read_rest() == b""
        await client.wait_closed()
