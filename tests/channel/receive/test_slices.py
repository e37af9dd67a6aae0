"""One turn of the event loop takes a bounded part of a read: others have their turn in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reference
from channel.scripted import (
    Wire,
    binary,
    cancelled,
    close,
    collect,
    in_callback,
    ping,
    pong,
    text,
    turns,
)
from channel.streams import start
from deflating import deflate
from rawserver import BINARY

from wirespeed import ConnectionDisconnected, Deflate
from wirespeed._channel.channel import CONTROLS_AT_ONCE, SLICE_FRAMES
from wirespeed._channel.receive.partial_message import CHUNK_SIZE

KIB = 1024
DEFLATE = Deflate(server_max_window_bits=15, client_max_window_bits=15)
FLOOD = text("x") * (2 * SLICE_FRAMES + 1)
ALL = ["x"] * (2 * SLICE_FRAMES + 1)
LANES: dict[str, Any] = {"text_queue_maxsize": 10 * SLICE_FRAMES}
QUEUES = pytest.mark.parametrize("options", [{"max_queue": None}, LANES], ids=["queue", "lanes"])


def compressed(payload: bytes) -> bytes:
    frame = bytearray(reference.frame(BINARY, payload))
    frame[0] |= 0x40
    return bytes(frame)


def state(wire: Wire) -> tuple[int, int]:
    return wire.transport.pauses, wire.transport.resumes


@QUEUES
async def test_each_turn_takes_a_slice(options: dict[str, Any]) -> None:
    wire = Wire(max_queue_bytes=None, **options)
    wire.feed(FLOOD)
    assert wire.connection.pending.messages == SLICE_FRAMES
    assert state(wire) == (1, 0)
    await turns(1)
    assert wire.connection.pending.messages == 2 * SLICE_FRAMES
    await turns(1)
    assert state(wire) == (1, 1)
    assert await wire.connection.receive_many() == ALL
    # That was no pause: data was there.
    assert wire.connection.stats.pauses == 0
    assert not wire.connection.stats.seconds_paused


async def test_others_have_a_turn_while_a_consumer_never_waits() -> None:
    wire = Wire()
    received: list[Any] = []
    task = asyncio.create_task(collect(wire, received))
    await turns()
    seen: list[int] = []

    def look() -> None:
        seen.append(len(received))
        if len(received) < len(ALL):
            asyncio.get_running_loop().call_soon(look)

    def read() -> None:
        wire.feed(FLOOD)
        look()

    await in_callback(read)
    await turns()
    assert received == ALL
    assert seen[:3] == [SLICE_FRAMES, 2 * SLICE_FRAMES, len(ALL)]
    await cancelled(task)


async def test_a_full_queue_holds_the_rest_back() -> None:
    wire = Wire(max_queue=SLICE_FRAMES // 2)
    wire.feed(FLOOD)
    await turns()
    assert wire.connection.pending.messages == SLICE_FRAMES
    assert wire.connection.stats.pauses == 1
    received = []
    for _ in ALL:
        received.append(await wire.connection.receive())
        await turns(2)
        assert wire.connection.pending.messages <= 3 * SLICE_FRAMES // 2
    assert [message.data for message in received] == ALL
    assert state(wire) == (1, 1)


async def test_what_is_read_meanwhile_comes_after_it() -> None:
    wire = Wire(max_queue=None)
    wire.feed(FLOOD)
    wire.feed(text("later") + close())
    received = []
    with pytest.raises(ConnectionDisconnected):
        while True:
            received += await wire.connection.receive_many()
    assert received == [*ALL, "later"]


@pytest.mark.parametrize("way", ["eof", "lost"])
async def test_the_end_comes_after_what_was_read(way: str) -> None:
    wire = Wire(max_queue=None)
    wire.feed(FLOOD + text("last"))
    if way == "eof":
        wire.protocol.eof_received()
    else:
        wire.lose()
    assert await wire.connection.receive_many() == [*ALL, "last"]
    wire.lose()
    with pytest.raises(ConnectionDisconnected):
        await wire.connection.receive()


async def test_nothing_is_parsed_after_an_abort() -> None:
    wire = Wire(max_queue=None)
    wire.feed(FLOOD)
    wire.connection.abort()
    await turns()
    assert wire.connection.pending.messages == SLICE_FRAMES
    wire.lose()


@QUEUES
async def test_a_batch_window_waits_for_the_rest(options: dict[str, Any]) -> None:
    wire = Wire(max_queue_bytes=None, batch_window=0.001, **options)
    wire.feed(FLOOD)
    received: list[Any] = []
    while len(received) < len(ALL):
        received += await wire.connection.receive_many()
    assert received == ALL
    wire.feed(text("next"))
    assert await wire.connection.receive_text() == "next"


async def test_what_was_read_does_not_wait_for_the_end_of_a_window() -> None:
    wire = Wire(max_queue=SLICE_FRAMES // 2, max_queue_bytes=None, batch_window=3600)
    wire.feed(FLOOD)
    await turns()
    received: list[Any] = []
    while len(received) < len(ALL):
        received += await asyncio.wait_for(wire.connection.receive_many(), 5)
    assert received == ALL


@pytest.mark.parametrize("limit", [1, 300 * KIB])
async def test_inflating_stops_at_the_bound_of_the_queue(limit: int) -> None:
    wire = Wire(compression=DEFLATE, max_queue_bytes=limit)
    bombs = compressed(deflate(bytes(100 * KIB), level=9))

    def kept() -> int:
        return wire.connection.pending.bytes + wire.connection._parser.filled

    wire.feed(bombs * 100)
    await turns(200)
    assert limit < kept() <= limit + 256 * KIB
    received = 0
    while received < 100:
        assert await wire.connection.receive_bytes() == bytes(100 * KIB)
        received += 1
        await turns(5)
        assert kept() <= limit + 256 * KIB
    assert state(wire)[0] == state(wire)[1]


async def test_inflating_stops_within_a_message_nobody_waits_for() -> None:
    wire = Wire(compression=DEFLATE, max_queue_bytes=100 * KIB, max_message_size=None)
    wire.feed(compressed(deflate(bytes(8000 * KIB), level=9)))
    await turns(200)
    assert wire.connection._parser.filled <= 100 * KIB + 256 * KIB
    assert len(await wire.connection.receive_bytes()) == 8000 * KIB


async def test_chunks_have_a_largest_size() -> None:
    wire = Wire(compression=DEFLATE)
    chunks, task = start(wire.connection.receive_stream())
    await turns()
    data = bytes(3000 * KIB)
    await in_callback(lambda: wire.feed(compressed(deflate(data, level=9))))
    await task
    assert b"".join(chunks[:-1]) == data
    assert max(map(len, chunks[:-1])) <= CHUNK_SIZE == 256 * KIB


@pytest.mark.parametrize("is_text", [True, False])
async def test_a_queued_message_is_cut_into_chunks(is_text: bool) -> None:
    wire = Wire()
    size = 2 * CHUNK_SIZE + 1
    data: Any = "\N{EURO SIGN}" * size if is_text else b"a" * size
    wire.feed(text(data) if is_text else binary(data))
    chunks, task = start(wire.connection.receive_stream())
    await task
    assert [len(chunk) for chunk in chunks[:-1]] == [CHUNK_SIZE, CHUNK_SIZE, 1]
    assert data[:0].join(chunks[:-1]) == data


async def test_of_a_flood_of_pings_the_last_are_answered() -> None:
    wire = Wire()
    payloads = [b"%d" % number for number in range(3 * CONTROLS_AT_ONCE)]
    wire.feed(b"".join(map(ping, payloads[:CONTROLS_AT_ONCE])))
    await turns()
    assert wire.sent() == payloads[:CONTROLS_AT_ONCE]
    wire.feed(b"".join(map(ping, payloads)))
    await turns()
    assert wire.sent() == payloads[:CONTROLS_AT_ONCE] + payloads[-CONTROLS_AT_ONCE:]
    assert wire.connection.stats.pings_received == 4 * CONTROLS_AT_ONCE


async def test_of_a_flood_of_pongs_those_that_are_awaited_answer() -> None:
    wire = Wire()
    answers = [await wire.connection.ping(b"%d" % number) for number in range(100)]
    flood = b"".join(map(pong, [b"nobody asked"] * (2 * CONTROLS_AT_ONCE)))
    wire.feed(flood + b"".join(pong(b"%d" % number) for number in range(100)) + flood + pong(b"x"))
    await turns()
    assert all(answer.done() for answer in answers)
    unread = [await wire.connection.receive_pong(timeout=0) for _ in range(16)]
    assert unread == [b"nobody asked"] * 15 + [b"x"]
    assert wire.connection.stats.pongs_received == 4 * CONTROLS_AT_ONCE + 101
