"""Sends gather without delay: the first of a tick leaves at once, the rest in one write.

The tests look only at the content of each write of the transport.
"""

# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from channel.scripted import (
    Wire,
    cancelled,
    client_frames,
    close,
    in_callback,
    payloads,
    ping,
    seen_after,
    text,
    turns,
)
from rawserver import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload

KIB = 1024
FLUSH_BYTES = 64 * KIB


async def test_the_first_of_a_tick_is_written_at_once_and_the_rest_at_its_end() -> None:
    wire = Wire()
    for tick in range(3):
        wire.transport.copies.clear()
        for number in range(5):
            await wire.connection.send(f"{tick} {number}")
            assert wire.writes() == [[b"%d 0" % tick]]
        await turns(1)
        assert wire.writes() == [[b"%d 0" % tick], [b"%d %d" % (tick, n) for n in range(1, 5)]]
        await turns()
        assert len(wire.transport.copies) == 2


async def test_all_kinds_of_sends_share_one_tick() -> None:
    wire = Wire()
    ws = wire.connection
    await ws.send_text("1")
    await ws.send_bytes(b"2")
    await ws.send(["3", "4"])
    await ws.send_json(5)
    await ws.send_many(["6", b"7"])
    answer = await ws.ping(b"8")
    await turns()
    assert len(wire.transport.copies) == 2
    assert client_frames(wire.written()) == [
        (TEXT, b"1"),
        (BINARY, b"2"),
        (TEXT, b"3"),
        (CONTINUATION, b"4"),
        (TEXT, b"5"),
        (TEXT, b"6"),
        (BINARY, b"7"),
        (PING, b"8"),
    ]
    assert not answer.done()


async def test_sends_of_several_tasks_share_one_tick() -> None:
    wire = Wire()

    async def send(number: int) -> None:
        await wire.connection.send(str(number))

    await asyncio.gather(*(send(number) for number in range(20)))
    await turns()
    assert wire.sent() == [b"%d" % number for number in range(20)]
    assert len(wire.transport.copies) == 2


@pytest.mark.parametrize("name", ["send_json", "send_text", "send", "send_bytes", "fragments"])
async def test_a_dropped_awaitable_has_still_sent(name: str) -> None:
    wire = Wire()
    ws = wire.connection
    sends: dict[str, Callable[[], Any]] = {
        "send_json": lambda: ws.send_json(1),
        "send_text": lambda: ws.send_text("1"),
        "send": lambda: ws.send("1"),
        "send_bytes": lambda: ws.send_bytes(b"1"),
        "fragments": lambda: ws.send(["1"]),
    }
    dropped = sends[name]()
    sent = wire.sent()
    dropped.close()
    await turns()
    assert sent == [b"1"]
    assert wire.sent() == [b"1"]


@pytest.mark.parametrize("last", [1, 4])
async def test_inside_a_wake(last: int) -> None:
    """The first send leaves at once, unless more messages are queued for the sending task."""
    wire = Wire()
    seen: list[list[list[bytes]]] = []

    async def consume() -> None:
        while True:
            message = await wire.connection.receive_text()
            await wire.connection.send(f"{message}a")
            await wire.connection.send(f"{message}b")
            seen.append(wire.writes())

    task = asyncio.create_task(consume())
    await turns()
    messages = [str(number) for number in range(1, last + 1)]
    for _ in range(2):
        seen.clear()
        wire.transport.copies.clear()
        written = await seen_after(partial(wire.feed, text(*messages)), wire.writes)
        if last == 1:
            assert seen == [[[b"1a"]]]
            assert written == [[b"1a"], [b"1b"]]
        else:
            assert seen[:3] == [[], [], []]
            # No message is queued behind the last one, so its first send writes the gathered ones
            # too.
            everything = [b"1a", b"1b", b"2a", b"2b", b"3a", b"3b", b"4a"]
            assert seen[3] == [everything]
            assert written == [everything, [b"4b"]]
    await cancelled(task)


async def test_sends_inside_a_write_follow_in_order() -> None:
    """A transport may call back before it has taken the data."""
    wire = Wire()
    numbers = iter(range(1, 6))

    def before_write() -> None:
        if (number := next(numbers, None)) is not None:
            wire.connection.send(b"%d" % number)
            wire.connection.send(b"%d" % number * 70_000)
            wire.connection.flush()

    wire.transport.before_write = before_write
    wire.connection.send(b"0")
    await turns()
    expected = [b"0"]
    for number in range(1, 6):
        expected += [b"%d" % number, b"%d" % number * 70_000]
    assert wire.sent() == expected


async def test_after_a_wake_a_tick_begins_anew() -> None:
    wire = Wire()

    async def consume() -> None:
        await wire.connection.receive()
        await wire.connection.send("in the wake")
        await asyncio.sleep(0)
        await wire.connection.send("in the next tick")

    task = asyncio.create_task(consume())
    await turns()
    await in_callback(lambda: wire.feed(text("1")))
    await task
    assert wire.writes() == [[b"in the wake"], [b"in the next tick"]]


async def test_gathered_bytes_leave_when_there_are_64_kib() -> None:
    wire = Wire()
    frame_bytes = len(payload := b"x" * 1000) + 8
    await wire.connection.send("first")
    wire.transport.copies.clear()
    for number in range(1, 200):
        # These sends are not awaited, so that the loop gets no turn.
        wire.connection.send_bytes(payload)
        gathered = number * frame_bytes - len(wire.written())
        assert gathered < FLUSH_BYTES
    assert len(wire.transport.copies) == 199 * frame_bytes // FLUSH_BYTES
    await turns()
    assert wire.sent() == [payload] * 199


async def test_flush_writes_at_once() -> None:
    wire = Wire()
    ws = wire.connection
    ws.send("1")
    ws.send("2")
    ws.send("3")
    await ws.flush()
    assert wire.writes() == [[b"1"], [b"2", b"3"]]
    await ws.flush()
    ws.send("4")
    ws.flush()
    assert wire.writes() == [[b"1"], [b"2", b"3"], [b"4"]]
    await turns()
    assert len(wire.transport.copies) == 3


async def test_send_many_is_one_write_up_to_64_kib() -> None:
    wire = Wire()
    await wire.connection.send_many(str(number) for number in range(100))
    assert wire.writes() == [[b"%d" % number for number in range(100)]]
    await turns()
    wire.transport.copies.clear()
    await wire.connection.send_many([b"x" * 1000] * 200)
    await turns()
    assert wire.sent() == [b"x" * 1000] * 200
    assert all(len(copy) < FLUSH_BYTES + 1008 for copy in wire.transport.copies)
    assert len(wire.transport.copies) <= 4


async def test_send_many_from_an_iterable_that_sends_too() -> None:
    wire = Wire()

    def messages() -> Iterator[str]:
        for number in range(3):
            wire.connection.send(f"inner {number}")
            wire.connection.send(["a", "b"])
            yield f"outer {number}"

    await wire.connection.send_many(messages())
    await turns()
    expected = [part for n in range(3) for part in (b"inner %d" % n, b"a", b"b", b"outer %d" % n)]
    assert wire.sent() == expected


KINDS: dict[str, Callable[[int], Any]] = {
    "text": lambda size: "\0" * size,
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": lambda size: memoryview(bytes(size)),
}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
@pytest.mark.parametrize("kind", KINDS)
async def test_order_across_small_and_large_frames(size: int, kind: str) -> None:
    wire = Wire()
    ws = wire.connection
    data = KINDS[kind](size)
    expected: list[bytes] = []
    for number in range(3):
        ws.send(f"{number}")
        ws.send(data)
        ws.send([data, data])
        ws.send(f"after {number}")
        expected += [b"%d" % number, *[bytes(size)] * 3, b"after %d" % number]
    await turns()
    assert wire.sent() == expected


async def test_order_across_pongs_and_close() -> None:
    wire = Wire()
    ws = wire.connection
    ws.send("1")
    ws.send("2")
    wire.feed(ping(b"a") + ping(b"b"))
    ws.send("3")
    ws.send(b"x" * 100_000)
    wire.feed(ping(b"c"))
    ws.send("4")
    wire.feed(close(1000, "bye"))
    assert client_frames(wire.written()) == [
        (TEXT, b"1"),
        (TEXT, b"2"),
        (PONG, b"a"),
        (PONG, b"b"),
        (TEXT, b"3"),
        (BINARY, b"x" * 100_000),
        (PONG, b"c"),
        (TEXT, b"4"),
        (CLOSE, close_payload(1000, "bye")),
    ]


async def test_what_is_gathered_leaves_before_our_close() -> None:
    wire = Wire()
    ws = wire.connection
    for number in range(5):
        ws.send(str(number))
    closing = asyncio.create_task(ws.close(1001, "away"))
    await turns(1)
    assert client_frames(wire.written()) == [
        *((TEXT, b"%d" % number) for number in range(5)),
        (CLOSE, close_payload(1001, "away")),
    ]
    wire.feed(close(1001))
    wire.lose()
    await closing


async def test_memory_that_was_handed_over_is_never_changed() -> None:
    wire = Wire()
    ws = wire.connection

    async def consume() -> None:
        async for message in ws:
            await ws.send(message)

    task = asyncio.create_task(consume())
    for number in range(100):
        ws.send("a" * number)
        ws.send(b"b" * (number * 10))
        await ws.send_many(["c" * number, b"d" * 3000] * 20)
        ws.send(["e" * number] * 10)
        if number % 10 == 0:
            ws.send(b"f" * 100_000)
        ws.flush()
        wire.feed(text("g" * number) + ping(b"h" * number))
        await in_callback(partial(wire.feed, text("i" * number, "j", "k")))
    await turns()
    assert [bytes(block) for block in wire.transport.blocks] == wire.transport.copies
    assert sum(map(len, wire.sent())) == sum(
        n + n * 10 + 20 * (n + 3000) + 10 * n + n + n + n + 2 + (100_000 if n % 10 == 0 else 0)
        for n in range(100)
    )
    await cancelled(task)


async def test_masking_keys_differ() -> None:
    wire = Wire()
    for _ in range(2000):
        wire.connection.send(b"")
    await turns()
    written = wire.written()
    assert payloads(written) == [b""] * 2000
    keys = {written[start + 2 : start + 6] for start in range(0, len(written), 6)}
    assert len(keys) > 1990
