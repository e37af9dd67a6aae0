"""The counters of a connection, with reads and writes decided by the test.

The tests compare times, but depend on no duration.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from channel.scripted import Wire, binary, close, collect, ping, pong, text

from wirespeed import Stats


async def test_a_snapshot_stays_as_it_is() -> None:
    wire = Wire(ping_interval=None)
    before = wire.connection.stats
    assert set(dataclasses.asdict(before).values()) == {0, None}
    wire.feed(text("a"))
    assert before.messages_received == 0
    assert wire.connection.stats.messages_received == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.pauses = 1  # type: ignore[misc]
    wire.lose()


async def test_what_was_received() -> None:
    wire = Wire(ping_interval=None)
    data = text("abc", "d" * 126) + binary(b"") + ping(b"12") + pong(b"3") + ping(b"")
    wire.feed(data)
    stats = wire.connection.stats
    assert (stats.messages_received, stats.frames_received) == (3, 6)
    assert stats.wire_bytes_received == len(data)
    assert stats.payload_bytes_received == 3 + 126 + 0 + 2 + 1 + 0
    assert (stats.pings_received, stats.pongs_received, stats.pongs_sent) == (2, 1, 2)
    assert (stats.queue_depth, stats.max_queue_depth) == (3, 3)
    await wire.connection.receive_many()
    stats = wire.connection.stats
    assert (stats.queue_depth, stats.max_queue_depth) == (0, 3)
    wire.lose()


async def test_what_was_sent() -> None:
    wire = Wire(ping_interval=None)
    connection = wire.connection
    await connection.send("a" * 200)
    await connection.send([b"1", b"2", b"3"])
    await connection.send(b"b" * 100_000)
    answer = await connection.ping(b"ping")
    wire.feed(pong(b"ping"))
    await connection.flush()
    stats = connection.stats
    assert (stats.messages_sent, stats.frames_sent) == (3, 6)
    assert (stats.pings_sent, stats.pongs_sent) == (1, 0)
    assert stats.payload_bytes_sent == 200 + 3 + 100_000 + 4
    assert stats.wire_bytes_sent == len(wire.written())
    assert stats.writes == len(wire.transport.copies)
    assert stats.latency == connection.latency
    assert stats.latency is not None
    assert stats.latency.last == await answer
    wire.lose()


async def test_coalescing_shows() -> None:
    wire = Wire(ping_interval=None)
    await wire.connection.send_many(["a"] * 100)
    stats = wire.connection.stats
    assert (stats.messages_sent, stats.frames_sent, stats.writes) == (100, 100, 1)
    wire.lose()


async def test_what_was_taken_at_once_was_never_queued() -> None:
    wire = Wire(ping_interval=None)
    wire.feed(text("a", "b"))
    assert await wire.connection.receive_many() == ["a", "b"]
    wire.feed(text("c"))
    assert (wire.connection.stats.queue_depth, wire.connection.stats.max_queue_depth) == (1, 2)
    wire.lose()


async def test_pauses() -> None:
    wire = Wire(ping_interval=None, max_queue=2)
    for number in range(1, 3):
        wire.feed(text("a", "b", "c"))
        held = wire.connection.stats
        assert held.pauses == wire.transport.pauses == number
        later = wire.connection.stats
        assert later.seconds_paused >= held.seconds_paused
        await wire.connection.receive_many()
        over = wire.connection.stats
        assert over.seconds_paused >= later.seconds_paused > 0
        assert wire.connection.stats.seconds_paused == over.seconds_paused
    wire.lose()


@pytest.mark.parametrize("options", [{}, {"text_queue_maxsize": 2}], ids=["queue", "lanes"])
async def test_what_was_dropped(options: dict[str, Any]) -> None:
    wire = Wire(ping_interval=None, max_queue=2, overflow="drop_oldest", **options)
    wire.feed(text("a", "bc", "d", "e"))
    stats = wire.connection.stats
    assert (stats.messages_dropped, stats.bytes_dropped) == wire.connection.dropped == (2, 3)
    assert (stats.messages_received, stats.max_queue_depth, stats.pauses) == (4, 2, 0)
    wire.lose()


async def test_when_it_was_last_read_and_written() -> None:
    wire = Wire(ping_interval=None)
    began = time.monotonic()
    wire.feed(text("a"))
    first = wire.connection.stats
    assert first.last_received_at is not None
    assert began <= first.last_received_at <= time.monotonic()
    assert first.last_sent_at is None
    answered = time.monotonic()
    wire.feed(ping() + text("b"))
    second = wire.connection.stats
    assert second.last_received_at is not None
    assert second.last_sent_at is not None
    assert answered <= second.last_received_at <= second.last_sent_at <= time.monotonic()
    # Part of a frame also counts as received.
    wire.feed(text("c")[:1])
    third = wire.connection.stats
    assert third.last_received_at is not None
    assert third.last_received_at >= second.last_sent_at
    assert third.last_sent_at == second.last_sent_at
    # Nothing is written while the transport is full.
    wire.protocol.pause_writing()
    sent = wire.connection.send("x")
    assert wire.connection.stats.last_sent_at == second.last_sent_at
    wire.protocol.resume_writing()
    await sent
    last = wire.connection.stats.last_sent_at
    assert last is not None
    assert last >= third.last_received_at
    wire.lose()
    assert wire.connection.stats.last_sent_at == last


async def test_after_the_end() -> None:
    wire = Wire(ping_interval=None)
    await wire.connection.send("bye")
    wire.feed(text("a") + close())
    received: list[str] = []
    await collect(wire, received)
    wire.lose()
    stats: Stats = wire.connection.stats
    assert received == ["a"]
    assert (stats.messages_received, stats.frames_received) == (1, 2)
    assert (stats.messages_sent, stats.frames_sent) == (1, 2)
    assert wire.sent()[0] == b"bye"
