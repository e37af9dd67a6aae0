"""One message from an iterable whose items arrive over time: its frames, one by one.

Other messages in the meantime, and errors, are tested elsewhere.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from channel.scripted import Wire, client_frames, in_callback, ping, text, turns, whole_frames
from rawserver import BINARY, CONTINUATION, PING, PONG, TEXT
from sources import Source, finished

from wirespeed import WebSocketConnection

FIN = 0x80
KIB = 1024

WAYS: dict[str, Callable[[WebSocketConnection, Any], Any]] = {
    "send": lambda ws, items: ws.send(items),
    "send_stream": lambda ws, items: ws.send_stream(items),
}
ways = pytest.mark.parametrize("way", WAYS)


def message(opcode: int, *payloads: bytes) -> list[tuple[int, bytes]]:
    """Return the frames of a stream: one for each item, and the empty last one."""
    opcodes = [opcode, *[CONTINUATION] * (len(payloads) - 1)]
    return [*zip(opcodes, payloads, strict=True), (FIN | CONTINUATION, b"")]


def frames(wire: Wire) -> list[tuple[int, bytes]]:
    """Return first byte and payload of each frame that was written."""
    return whole_frames(wire.written())


@ways
async def test_each_item_leaves_when_it_is_there(way: str) -> None:
    wire = Wire()
    source = Source()
    task = asyncio.create_task(WAYS[way](wire.connection, source))
    await turns()
    assert wire.written() == b""
    expected = message(TEXT, b"one", b"two", "drei\N{SNOWMAN}".encode())
    for count, item in enumerate(["one", "two", "drei\N{SNOWMAN}"], start=1):
        source.give(item)
        await turns()
        assert frames(wire) == expected[:count]
        assert not task.done()
    source.end()
    await task
    await turns()
    assert frames(wire) == expected
    assert source.closed == 1


async def test_nothing_is_waited_for_longer_than_needed() -> None:
    """A fragment leaves in the step in which its item arrives, without an extra turn."""
    wire = Wire()
    source = Source()
    task = asyncio.create_task(wire.connection.send_stream(source))
    await turns()
    source.give(b"x")
    # The task is resumed in this turn.
    await turns(1)
    assert frames(wire) == [(BINARY, b"x")]
    source.end()
    await task


@pytest.mark.parametrize(
    "items",
    [
        [b"ab", b"", b"c"],
        [bytearray(b"ab"), memoryview(b""), array("B", b"c")],
        [memoryview(b"bxa")[::-2], b"", memoryview(b"c")],
    ],
    ids=["bytes", "bytes-like", "strided"],
)
@pytest.mark.parametrize("make", [list, iter, lambda items: finished(*items)])
async def test_binary(items: list[Any], make: Any) -> None:
    wire = Wire()
    first = bytes(items[0])
    await wire.connection.send_stream(make(items))
    await turns()
    assert frames(wire) == message(BINARY, first, b"", b"c")


async def test_large_items() -> None:
    wire = Wire()
    items = [b"a" * 200_000, b"b" * 65536, b"c" * 65535, b"d"]
    await wire.connection.send_stream(finished(*items))
    await turns()
    assert frames(wire) == message(BINARY, *items)


@pytest.mark.parametrize("items", [["", ""], [b"", b""]], ids=["text", "binary"])
async def test_an_empty_item_is_an_empty_fragment(items: list[Any]) -> None:
    wire = Wire()
    await wire.connection.send_stream(items)
    await turns()
    opcode = TEXT if items[0] == "" else BINARY
    assert frames(wire) == message(opcode, b"", b"")


@pytest.mark.parametrize("make", [list, iter, finished], ids=["list", "iterator", "asynchronous"])
async def test_an_empty_iterable_sends_nothing(make: Any) -> None:
    wire = Wire()
    await wire.connection.send_stream(make() if make is not iter else iter(()))
    await wire.connection.send("next")
    await turns()
    assert frames(wire) == [(FIN | TEXT, b"next")]
    assert wire.connection.stats.messages_sent == 1


async def test_an_asynchronous_generator() -> None:
    wire = Wire()
    steps: list[str] = []

    async def words() -> AsyncIterator[str]:
        try:
            for word in ("a", "b"):
                await asyncio.sleep(0)
                yield word
        finally:
            steps.append("closed")

    await wire.connection.send(words())
    await turns()
    assert frames(wire) == message(TEXT, b"a", b"b")
    assert steps == ["closed"]


async def test_what_both_kinds_of_iterable_can_be_is_sent_at_once() -> None:
    """`send` still consumes it as a plain iterable, though it is asynchronous as well."""

    class Both(list[str]):
        def __aiter__(self) -> AsyncIterator[str]:
            return finished("asynchronous")

    wire = Wire()
    await wire.connection.send(Both(["a", "b"]))
    await turns()
    assert frames(wire) == [(TEXT, b"a"), (FIN | CONTINUATION, b"b")]
    await wire.connection.send_stream(Both(["a", "b"]))
    await turns()
    assert frames(wire)[2:] == message(TEXT, b"asynchronous")


async def test_nothing_happens_before_it_is_awaited() -> None:
    wire = Wire()
    source = finished("a")
    stream = wire.connection.send_stream(source)
    await wire.connection.send("first")
    await turns()
    assert source.asked == 0
    await stream
    await turns()
    assert frames(wire) == [(FIN | TEXT, b"first"), *message(TEXT, b"a")]


async def test_an_item_is_asked_for_when_there_is_room() -> None:
    wire = Wire()
    source = Source("a", "b", "c").end()
    wire.transport.on_write = wire.protocol.pause_writing
    task = asyncio.create_task(wire.connection.send_stream(source))
    await turns()
    assert source.asked == 1
    # The end of the iteration is asked for, too.
    for asked in range(2, 5):
        wire.protocol.resume_writing()
        await turns()
        assert source.asked == asked
    assert not task.done()
    wire.protocol.resume_writing()
    wire.transport.on_write = None
    wire.protocol.resume_writing()
    await task
    await turns()
    assert frames(wire) == message(TEXT, b"a", b"b", b"c")


async def test_a_plain_iterable_is_lazy() -> None:
    wire = Wire()
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            taken.append(number)
            yield b"x" * KIB

    wire.transport.on_write = wire.protocol.pause_writing
    task = asyncio.create_task(wire.connection.send_stream(chunks()))
    await turns()
    # One item was written. At most one more was taken, and waits.
    assert len(taken) <= 2
    wire.transport.on_write = None
    wire.protocol.resume_writing()
    await task
    assert len(taken) == 1000
    await turns()
    assert frames(wire) == message(BINARY, *[b"x" * KIB] * 1000)


@pytest.mark.parametrize("make", [iter, lambda items: finished(*items)], ids=["plain", "async"])
async def test_others_get_their_turns(make: Any) -> None:
    """A stream that never has to wait still lets other tasks run."""
    wire = Wire()
    task = asyncio.create_task(wire.connection.send_stream(make([b"x" * KIB] * 1000)))
    count = 0
    while not task.done():
        await turns(1)
        count += 1
    assert count >= 10


async def test_fragments_of_one_tick_gather() -> None:
    wire = Wire()
    await wire.connection.send_stream(["a", "b", "c"])
    await turns()
    assert len(wire.transport.copies) == 2


async def test_inside_a_wake() -> None:
    """What a task sends after it was resumed in place leaves when it suspends."""
    wire = Wire()

    async def relayed() -> AsyncIterator[str]:
        for _ in range(2):
            yield await wire.connection.receive_text()

    task = asyncio.create_task(wire.connection.send_stream(relayed()))
    await turns()
    await in_callback(lambda: wire.feed(text("a")))
    assert frames(wire) == [(TEXT, b"a")]
    await in_callback(lambda: wire.feed(text("b")))
    await task
    assert frames(wire) == message(TEXT, b"a", b"b")


async def test_control_frames_go_between() -> None:
    wire = Wire(ping_interval=None)
    source = Source("a")
    task = asyncio.create_task(wire.connection.send_stream(source))
    await turns()
    await wire.connection.ping(b"ours")
    wire.feed(ping(b"theirs"))
    source.give("b")
    await turns()
    assert client_frames(wire.written()) == [
        (TEXT, b"a"),
        (PING, b"ours"),
        (PONG, b"theirs"),
        (CONTINUATION, b"b"),
    ]
    source.end()
    await task
    wire.lose()


async def test_what_is_counted() -> None:
    wire = Wire(ping_interval=None)
    connection = wire.connection
    source = Source("a", "bc")
    task = asyncio.create_task(connection.send_stream(source))
    await turns()
    held = asyncio.create_task(connection.flush())
    await connection.ping(b"ping")
    _ = connection.send(["d", "e"])
    source.end()
    await task
    await held
    await connection.flush()
    stats = connection.stats
    assert (stats.messages_sent, stats.frames_sent, stats.pings_sent) == (2, 6, 1)
    assert stats.payload_bytes_sent == len("abcdeping")
    assert stats.wire_bytes_sent == len(wire.written())
    assert stats.writes == len(wire.transport.copies)
    wire.lose()


@pytest.mark.parametrize("data", ["text", b"data", bytearray(1), memoryview(b"x"), {}, 5, None])
async def test_what_is_not_to_be_taken_apart(data: Any) -> None:
    wire = Wire()
    with pytest.raises(TypeError, match="must be an iterable or asynchronous iterable"):
        await wire.connection.send_stream(data)
    await wire.connection.send("goes on")
    assert frames(wire) == [(FIN | TEXT, b"goes on")]
