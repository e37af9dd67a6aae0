"""Streams to real servers, and to one that sees every frame: what was sent arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from connection.test_compression import SERVERS as COMPRESSING_SERVERS
from ends import both_ends, close_frame, ping_frame, until_idle
from rawserver import BINARY, CONTINUATION, PING, PONG, TEXT, RawConnection
from servers import ECHO, SERVERS
from sources import Source

import wirespeed
from wirespeed import ConnectionDisconnected, Deflate

pytestmark = pytest.mark.usefixtures("transports")

CHUNK = b"c" * 64 * 1024
# 64 MiB: more than all buffers of two sockets and two transports together.
COUNT = 1024

Ends = tuple[int, bool, bytes]


async def read_frame(server: RawConnection) -> Ends:
    frame = await server.read_frame()
    assert frame.reserved == 0
    return frame.opcode, frame.fin, frame.payload


async def test_each_fragment_arrives_before_the_next_is_made() -> None:
    async with both_ends() as (client, server):
        arrived: list[Ends] = []

        async def parts() -> AsyncIterator[str]:
            for number in range(5):
                yield f"part {number}"
                arrived.append(await read_frame(server))

        await client.send(parts())
        arrived.append(await read_frame(server))
    assert arrived == [
        (TEXT, False, b"part 0"),
        *((CONTINUATION, False, b"part %d" % number) for number in range(1, 5)),
        (CONTINUATION, True, b""),
    ]


async def test_pings_and_messages_meanwhile() -> None:
    async with both_ends() as (client, server):
        source = Source(b"1")
        streaming = asyncio.create_task(client.send_stream(source))
        assert await read_frame(server) == (BINARY, False, b"1")
        held = asyncio.create_task(client.send_many(["a", "b"]))
        answer = await client.ping(b"?")
        assert await read_frame(server) == (PING, True, b"?")
        await server.write(b"\x8a\x01?" + ping_frame(b"!"))
        assert await answer > 0
        assert await read_frame(server) == (PONG, True, b"!")
        source.give(b"2").end()
        await asyncio.gather(streaming, held)
        assert [await read_frame(server) for _ in range(4)] == [
            (CONTINUATION, False, b"2"),
            (CONTINUATION, True, b""),
            (TEXT, True, b"a"),
            (TEXT, True, b"b"),
        ]


@pytest.mark.parametrize("kind", ["plain", "asynchronous"])
async def test_the_iterable_is_not_run_ahead_of_a_server_that_does_not_read(kind: str) -> None:
    taken = 0

    def plain() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(COUNT):
            taken += 1
            yield CHUNK

    async def asynchronous() -> AsyncIterator[bytes]:
        for chunk in plain():
            yield chunk

    async with both_ends() as (client, server):
        made = plain() if kind == "plain" else asynchronous()
        streaming = asyncio.create_task(client.send_stream(made))
        await until_idle(lambda: taken)
        assert not streaming.done()
        assert taken < COUNT // 2
        received = 0
        while not (frame := await server.read_frame()).fin:
            received += len(frame.payload)
        await streaming
        assert received == COUNT * len(CHUNK)


async def test_a_server_that_does_not_read_holds_back_those_who_are_held() -> None:
    async with both_ends() as (client, server):
        source = Source(*[CHUNK] * COUNT).end()
        streaming = asyncio.create_task(client.send_stream(source))
        await until_idle(lambda: source.asked)
        sent: list[int] = []

        async def send(index: int) -> None:
            for _ in range(3):
                await client.send(str(index))
                sent.append(index)

        senders = [asyncio.create_task(send(index)) for index in range(3)]
        await until_idle(lambda: len(sent))
        assert sent == []
        while not (await server.read_frame()).fin:
            pass
        await asyncio.gather(streaming, *senders)
        assert len(sent) == 9
        assert sorted([(await server.read_frame()).payload for _ in range(9)]) == sorted(
            [b"0", b"1", b"2"] * 3
        )


async def test_close_in_the_middle() -> None:
    async with both_ends() as (client, server):
        source = Source("begun")
        streaming = asyncio.create_task(client.send_stream(source))
        assert await read_frame(server) == (TEXT, False, b"begun")
        held = asyncio.create_task(client.send_many(["held"]))
        closing = asyncio.create_task(client.close(1001, "bye"))
        assert await server.expect_close() == (1001, "bye")
        with pytest.raises(ConnectionDisconnected):
            await held
        source.give("late")
        with pytest.raises(ConnectionDisconnected):
            await streaming
        await server.write(close_frame(1001, "bye"))
        server.writer.close()
        await closing
        assert client.close_info is not None
        assert (client.close_code, client.close_info.unsent_bytes) == (1001, len("held"))


@pytest.mark.parametrize("way", ["closes", "resets"])
async def test_the_peer_is_gone_in_the_middle(way: str) -> None:
    async with both_ends() as (client, server):
        source = Source("begun")
        streaming = asyncio.create_task(client.send_stream(source))
        waiting = asyncio.create_task(client.send_stream(Source("in line")))
        assert await read_frame(server) == (TEXT, False, b"begun")
        if way == "closes":
            await server.close_politely(1001)
            server.writer.close()
        else:
            server.reset()
        with pytest.raises(ConnectionDisconnected):
            await waiting
        await client.wait_closed()
        source.give("late")
        with pytest.raises(ConnectionDisconnected) as caught:
            await streaming
        assert caught.value.code == (1001 if way == "closes" else 1006)
        assert source.closed == 1


async def test_cancelling_in_the_middle_fails_the_connection() -> None:
    async with both_ends() as (client, server):
        streaming = asyncio.create_task(client.send_stream(Source("begun")))
        assert await read_frame(server) == (TEXT, False, b"begun")
        streaming.cancel()
        assert await server.expect_close() == (1011, "error in fragmented message")
        await server.write(close_frame(1011))
        server.writer.close()
        with pytest.raises(asyncio.CancelledError):
            await streaming
        with pytest.raises(ConnectionDisconnected) as caught:
            await client.receive()
        assert caught.value.code == 1011


# -- servers of other packages -------------------------------------------------------------

Serve = Callable[[], AbstractAsyncContextManager[Any]]


async def exchange(client: wirespeed.WebSocketConnection) -> None:
    """Send streams and messages from several tasks at once, and expect an echo of each."""
    parts = [f"{number} \N{SNOWMAN} " * (number % 7 * 40) for number in range(50)]
    received: list[str | bytes] = []

    async def slowly(name: str) -> AsyncIterator[str]:
        yield f"{name}: "
        for part in parts:
            yield part
            await asyncio.sleep(0)

    async def send_streams(index: int) -> None:
        await client.send(slowly(f"slow {index}"))
        await client.send_stream(iter([b"%d" % index, b"", b"y" * 100_000]))

    async def send_messages(index: int) -> None:
        for number in range(30):
            await client.send(f"{index} {number}" * (number * 5 + 1))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for index in range(3):
            group.create_task(send_streams(index))
            group.create_task(send_messages(index))
        async with asyncio.timeout(30):
            received = [(await client.receive()).data for _ in range(3 * (2 + 30))]
    assert sorted(data for data in received if isinstance(data, bytes)) == [
        b"%d" % index + b"y" * 100_000 for index in range(3)
    ]
    texts = [data for data in received if isinstance(data, str)]
    for index in range(3):
        assert texts.count(f"slow {index}: {''.join(parts)}") == 1
        mine = [text for text in texts if text.startswith(f"{index} ")]
        assert mine == [f"{index} {number}" * (number * 5 + 1) for number in range(30)]


@pytest.mark.parametrize("name", ["websockets", "aiohttp"])
async def test_echo(name: str) -> None:
    async with (
        SERVERS[name](ECHO) as server,
        wirespeed.connect(server.url) as client,
    ):
        await exchange(client)
    assert client.close_code == 1000


@pytest.mark.parametrize(
    "settings", [Deflate(), Deflate(threshold=0, client_no_context_takeover=True)]
)
@pytest.mark.parametrize("name", COMPRESSING_SERVERS)
async def test_echo_compressed(name: str, settings: Deflate) -> None:
    async with (
        COMPRESSING_SERVERS[name]() as url,
        wirespeed.connect(url, compression=settings) as client,
    ):
        assert client.compression is not None
        await exchange(client)
    assert client.close_code == 1000


@pytest.mark.parametrize("name", ["websockets", "aiohttp"])
async def test_a_message_that_is_not_finished(name: str) -> None:
    """The server gets a Close frame with 1011, and no part of a message."""

    async def broken() -> AsyncIterator[str]:
        yield "begun"
        raise LookupError("in the iterable")

    async with SERVERS[name](ECHO) as server:
        async with wirespeed.connect(server.url) as client:
            with pytest.raises(LookupError, match="in the iterable"):
                await client.send_stream(broken())
            with pytest.raises(ConnectionDisconnected):
                await client.receive()
        assert (await server.closes.get())[0] == 1011
