"""Reading pauses only while too much is queued, and the queue keeps nothing that was taken."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from channel.scripted import (
    Wire,
    binary,
    cancelled,
    close,
    collect,
    in_callback,
    ping,
    text,
    turns,
)

import wirespeed

KIB = 1024


def state(wire: Wire) -> tuple[int, int]:
    """Return how often reading was paused and resumed."""
    return wire.transport.pauses, wire.transport.resumes


async def test_over_max_queue_reading_pauses() -> None:
    wire = Wire(max_queue=4)
    wire.feed(text("1", "2", "3"))
    wire.feed(text("4"))
    assert state(wire) == (0, 0)
    wire.feed(text("5"))
    assert state(wire) == (1, 0)
    # Data that was already on its way is kept, and causes no second pause.
    wire.feed(text("6"))
    assert state(wire) == (1, 0)
    assert await wire.connection.receive_many() == list("123456")


async def test_at_half_of_max_queue_reading_resumes() -> None:
    wire = Wire(max_queue=4)
    wire.feed(text(*map(str, range(10))))
    states = []
    for _ in range(10):
        await wire.connection.receive()
        states.append(state(wire))
    assert states == [(1, 0)] * 7 + [(1, 1)] * 3
    wire.feed(text(*map(str, range(5))))
    assert state(wire) == (2, 1)


async def test_over_max_queue_bytes_reading_pauses() -> None:
    wire = Wire(max_queue=None, max_queue_bytes=1000)
    wire.feed(binary(b"x" * 600))
    wire.feed(binary(b"x" * 400))
    assert state(wire) == (0, 0)
    wire.feed(binary(b"x"))
    assert state(wire) == (1, 0)


async def test_at_half_of_max_queue_bytes_reading_resumes() -> None:
    wire = Wire(max_queue=None, max_queue_bytes=1000)
    wire.feed(binary(*[b"x" * 100] * 15))
    states = []
    for _ in range(15):
        await wire.connection.receive()
        states.append(state(wire))
    assert states == [(1, 0)] * 9 + [(1, 1)] * 6


TAKES: dict[str, Callable[[wirespeed.WebSocketConnection], Any]] = {
    "receive": lambda ws: ws.receive(),
    "receive_bytes": lambda ws: ws.receive_bytes(timeout=5),
    "receive_json": lambda ws: ws.receive_json(),
    "receive_many": lambda ws: ws.receive_many(1),
    "iteration": lambda ws: ws.__aiter__().__anext__(),
    "batches": lambda ws: ws.batches(1).__anext__(),
}


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("bound", ["max_queue", "max_queue_bytes"])
async def test_whatever_takes_messages_resumes_reading(take: str, bound: str) -> None:
    bounds: dict[str, Any] = {"max_queue": None, "max_queue_bytes": None, bound: 10}
    wire = Wire(loads=bytes, **bounds)
    wire.feed(binary(*[b"x"] * 11))
    for number in range(6):
        assert state(wire) == (1, 0), number
        await TAKES[take](wire.connection)
    assert state(wire) == (1, 1)


async def test_taking_all_at_once_resumes_reading() -> None:
    wire = Wire(max_queue=10, max_queue_bytes=100)
    for number in range(3):
        wire.feed(binary(*[b"x" * 20] * 12))
        assert state(wire) == (number + 1, number)
        assert len(await wire.connection.receive_many()) == 12
        assert state(wire) == (number + 1, number + 1)
    wire.feed(text(*"abcdefghijk"))
    for _ in range(6):
        wire.connection.receive_nowait()
    assert state(wire) == (4, 4)


@pytest.mark.parametrize(
    "late",
    [text("x" * 500)[:100], ping(b"x" * 120) * 3, text("") * 200],
    ids=["part", "pings", "headers"],
)
async def test_bytes_that_still_arrive_do_not_keep_reading_paused(late: bytes) -> None:
    """A transport may still have data when it is paused. Headers and short parts do not matter."""
    wire = Wire(max_queue=None, max_queue_bytes=100)
    wire.feed(text("x" * 101))
    assert state(wire) == (1, 0)
    wire.feed(late)
    await wire.connection.receive_many()
    assert state(wire) == (1, 1)


async def test_none_is_no_limit() -> None:
    wire = Wire(max_queue=None, max_queue_bytes=None)
    for _ in range(50):
        wire.feed(text(*"x" * 500))
        wire.feed(binary(bytes(100 * KIB)))
    assert state(wire) == (0, 0)
    assert len(await wire.connection.receive_many()) == 50 * 501


async def test_the_defaults_bound_the_queue() -> None:
    wire = Wire()
    for _ in range(8):
        wire.feed(text(*"x" * 512))
    assert state(wire) == (0, 0)
    wire.feed(text("x"))
    assert state(wire) == (1, 0)
    wire = Wire()
    for _ in range(16):
        wire.feed(binary(bytes(1024 * KIB)))
    assert state(wire) == (0, 0)
    wire.feed(text("x"))
    assert state(wire) == (1, 0)


@pytest.mark.parametrize("in_place", [True, False])
async def test_a_consumer_that_keeps_up_never_pauses(in_place: bool) -> None:
    wire = Wire(max_queue=3, max_queue_bytes=50)
    received: list[Any] = []
    task = asyncio.create_task(collect(wire, received))
    await turns()
    for _ in range(20):
        if in_place:
            await in_callback(lambda: wire.feed(text(*"0123456789" * 3)))
        else:
            wire.feed(text(*"012"))
            await turns(2)
    assert state(wire) == (0, 0)
    assert len(received) == (600 if in_place else 60)
    await cancelled(task)


async def test_what_was_received_no_longer_counts() -> None:
    """A queue that is never empty, but always short, does not pause reading."""
    wire = Wire(max_queue=10, max_queue_bytes=1000)
    wire.feed(binary(b"x" * 50))
    for _ in range(200):
        wire.feed(binary(b"x" * 50, b"x" * 50))
        await wire.connection.receive()
        await wire.connection.receive()
    assert state(wire) == (0, 0)


async def test_bytes_of_an_unfinished_message_do_not_count_with_those_queued() -> None:
    wire = Wire(max_queue_bytes=1000)
    large = binary(b"x" * 5000)
    wire.feed(text("a" * 1000))
    wire.feed(large[:1004])
    assert state(wire) == (0, 0)
    wire.feed(large[1004:1005])
    assert state(wire) == (1, 0)


async def test_a_message_that_arrived_in_pieces_counts_in_full() -> None:
    wire = Wire(max_queue_bytes=1000)
    wire.feed(text("a" * 400))
    large = binary(b"x" * 900)
    for start in range(0, len(large), 150):
        assert state(wire) == (0, 0)
        wire.feed(large[start : start + 150])
    assert state(wire) == (1, 0)


@pytest.mark.parametrize("way", ["one", "many"])
async def test_a_queue_that_is_never_empty_forgets_what_was_taken(way: str) -> None:
    wire = Wire(max_queue=None, max_queue_bytes=None)
    wire.feed(binary(b"x"))
    gc.collect()
    tracemalloc.start()
    try:
        after_five_rounds = 0
        for number in range(30):
            wire.feed(binary(*[b"%04d" % number * 1000] * 100))
            if way == "one":
                for _ in range(100):
                    wire.connection.receive_nowait()
            else:
                assert len(await wire.connection.receive_many(100)) == 100
            if number == 4:
                after_five_rounds = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - after_five_rounds
    finally:
        tracemalloc.stop()
    # 25 rounds brought 10 MB.
    assert grown < 200_000


async def test_the_line_of_taken_entries_does_not_grow() -> None:
    """Besides the messages, their places in the queue are freed too."""
    wire = Wire(max_queue=None, max_queue_bytes=None)
    wire.feed(text("x") * 10)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            wire.feed(text("x") * 500)
            for _ in range(500):
                wire.connection.receive_nowait()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # There were 100,000 places of 8 bytes.
    assert grown < 100_000


async def test_the_end_and_a_full_queue() -> None:
    """A Close frame behind a full queue: everything stays readable, and reading goes on."""
    wire = Wire(max_queue=2)
    wire.feed(text("1", "2", "3") + close())
    assert wire.transport.pauses == wire.transport.resumes
    assert [message async for message in wire.connection] == ["1", "2", "3"]


async def test_lost_while_paused() -> None:
    wire = Wire(max_queue=2)
    wire.feed(text("1", "2", "3"))
    assert state(wire) == (1, 0)
    wire.lose()
    received: list[Any] = []
    with pytest.raises(wirespeed.ConnectionDisconnected):
        await collect(wire, received)
    assert received == ["1", "2", "3"]
    # A lost transport is not asked to resume reading.
    assert state(wire) == (1, 0)


async def test_closing_reads_on_and_keeps_the_queue_bounded() -> None:
    wire = Wire(max_queue=4)
    wire.feed(text(*"12345"))
    assert state(wire) == (1, 0)
    closing = asyncio.create_task(wire.connection.close())
    await turns()
    assert state(wire) == (1, 1)
    for _ in range(100):
        wire.feed(text(*"67890"))
    assert state(wire) == (1, 1)
    wire.feed(close())
    wire.lose()
    await closing
    received = [message async for message in wire.connection]
    assert received[:5] == list("12345")
    assert len(received) <= 10
