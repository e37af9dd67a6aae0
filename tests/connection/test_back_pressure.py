"""The bounded queue: a slow consumer stops the reading, and still gets everything in order.

The tests see at the server's end that the client has stopped reading.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ends import (
    Tls,
    binary_frame,
    both_ends,
    close_frame,
    collect,
    ping_frame,
    text_frame,
    turns,
    until_idle,
)
from rawserver import PONG, RawConnection

import wirespeed
from wirespeed import ProtocolError

pytestmark = pytest.mark.usefixtures("transports")

SIZE = 16 * 1024
# 64 MiB: more than all buffers of two sockets and two transports together.
COUNT = 4096

# The bytes of one read. Its messages may be queued beyond the bound.
READ_BYTES = 256 * 1024


def payload(number: int) -> bytes:
    return b"%08d" % number * (SIZE // 8)


async def flood(server: RawConnection, sent: list[int], last: bytes = b"") -> None:
    """Send `COUNT` messages, record each for which there was room, then send `last`."""
    for number in range(COUNT):
        await server.write(binary_frame(payload(number)))
        sent.append(number)
    await server.write(last)


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        ({"max_queue": 1}, 1),
        ({"max_queue": 50}, 50),
        ({"max_queue": None, "max_queue_bytes": 1 << 20}, (1 << 20) // SIZE),
        ({"max_queue_bytes": 1}, 1),
    ],
    ids=["1 message", "50 messages", "1 MiB", "1 byte"],
)
async def test_a_full_queue_stops_the_reading(
    tls: Tls, options: dict[str, Any], bound: int
) -> None:
    sent: list[int] = []
    async with both_ends(server_ssl=tls.server, ssl=tls.client, **options) as (client, server):
        flooding = asyncio.create_task(flood(server, sent))
        await until_idle(lambda: len(sent))
        assert not flooding.done()
        assert server.writer.transport.get_write_buffer_size() > 0
        received = await client.receive_many()
        assert 1 <= len(received) <= bound + READ_BYTES // SIZE + 1
        while len(received) < COUNT:
            received.append(await client.receive_bytes())
        await flooding
        assert all(message == payload(number) for number, message in enumerate(received))


@pytest.mark.parametrize("way", ["iterate", "batches", "nowait"])
async def test_a_slow_consumer_gets_everything_in_order(tls: Tls, way: str) -> None:
    count = 10_000
    received: list[str | bytes] = []
    async with both_ends(server_ssl=tls.server, ssl=tls.client, max_queue=3) as (client, server):
        frames = b"".join(text_frame(str(number)) for number in range(count))
        feeding = asyncio.create_task(server.write(frames + close_frame()))
        if way == "iterate":
            async for message in client:
                received.append(message)
                if len(received) % 10 == 0:
                    await turns()
        elif way == "batches":
            async for batch in client.batches(2):
                received += batch
                if len(received) % 10 == 0:
                    await turns()
        else:
            while len(received) < count:
                try:
                    received.append(client.receive_nowait().data)
                except asyncio.QueueEmpty:
                    await turns()
        await feeding
    assert received == [str(number) for number in range(count)]


async def test_a_consumer_in_place_of_a_queue_never_stops_the_reading() -> None:
    received: list[str | bytes] = []
    async with both_ends(max_queue=1) as (client, server):
        consuming = asyncio.create_task(collect(client, received))
        await turns()
        sent: list[int] = []
        await flood(server, sent)
        await server.write(close_frame())
        await consuming
        assert len(received) == COUNT


async def test_reading_goes_on_when_half_is_taken() -> None:
    sent: list[int] = []
    async with both_ends(max_queue=40) as (client, server):
        flooding = asyncio.create_task(flood(server, sent))
        await until_idle(lambda: len(sent))
        before = len(sent)
        taken = 0
        while len(sent) == before:
            assert (await client.receive_bytes())[:8] == b"%08d" % taken
            taken += 1
            await turns(5)
        while taken < COUNT:
            assert (await client.receive_bytes())[:8] == b"%08d" % taken
            taken += 1
        await flooding


async def test_messages_larger_than_the_bound_pass() -> None:
    async with both_ends(max_queue_bytes=1000, max_queue=1) as (client, server):
        messages = [bytes([number]) * 300_000 for number in range(20)]
        feeding = asyncio.create_task(server.write(b"".join(map(binary_frame, messages))))
        assert [await client.receive_bytes() for _ in messages] == messages
        await feeding


async def test_pings_behind_a_full_queue_are_answered_in_the_end() -> None:
    sent: list[int] = []
    async with both_ends(max_queue=2) as (client, server):
        flooding = asyncio.create_task(flood(server, sent, ping_frame(b"still there?")))
        await until_idle(lambda: len(sent))
        for number in range(COUNT):
            assert (await client.receive_bytes())[:8] == b"%08d" % number
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"still there?")
        await flooding


async def test_closing_with_a_full_queue_keeps_what_is_queued() -> None:
    sent: list[int] = []
    async with both_ends(max_queue=10) as (client, server):
        flooding = asyncio.create_task(flood(server, sent))
        await until_idle(lambda: len(sent))
        closing = asyncio.create_task(client.close())
        assert await server.expect_close() == (1000, "")
        # The client goes on reading and drops messages without room, so that the Close frame
        # arrives.
        await flooding
        await server.write(close_frame(1000))
        server.writer.close()
        await closing
        received = await client.receive_many()
        assert len(received) >= 10
        assert received == [payload(number) for number in range(len(received))]
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await client.receive()


async def test_the_end_behind_a_full_queue_is_found() -> None:
    sent: list[int] = []
    async with both_ends(max_queue=2) as (client, server):
        flooding = asyncio.create_task(flood(server, sent, close_frame(3000, "the end")))
        await until_idle(lambda: len(sent))
        for number in range(COUNT):
            assert (await client.receive_bytes())[:8] == b"%08d" % number
        with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
            await client.receive()
        assert (caught.value.code, caught.value.reason) == (3000, "the end")
        await flooding


async def test_a_fault_behind_a_full_queue_is_found() -> None:
    sent: list[int] = []
    async with both_ends(max_queue=2) as (client, server):
        flooding = asyncio.create_task(flood(server, sent, b"\x83\x00"))
        await until_idle(lambda: len(sent))
        for number in range(COUNT):
            assert (await client.receive_bytes())[:8] == b"%08d" % number
        with pytest.raises(ProtocolError):
            await client.receive()
        await flooding


async def test_a_server_that_vanishes_behind_a_full_queue() -> None:
    sent: list[int] = []
    async with both_ends(max_queue=2) as (client, server):
        flooding = asyncio.create_task(flood(server, sent))
        await until_idle(lambda: len(sent))
        server.reset()
        # With uvloop it is a RuntimeError.
        with pytest.raises((ConnectionError, RuntimeError)):
            await flooding
        received = 0
        with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
            while True:
                assert (await client.receive_bytes())[:8] == b"%08d" % received
                received += 1
        assert received >= 2
        assert caught.value.code == 1006
