"""Messages received in chunks: their place among other receives, and what happens to the rest.

There is no socket: the test decides each read, and each wait of the consumer.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

import pytest
from channel.scripted import (
    Wire,
    binary,
    cancelled,
    ping,
    seen_after,
    text,
    turns,
)
from channel.streams import LANES, QUEUES, begin, feed, more, start
from rawserver import BINARY, TEXT

import wirespeed
from wirespeed import MessageType, ReadTimeout


@QUEUES
async def test_chunks_as_they_arrive(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    stream = wire.connection.receive_stream()
    assert stream.type is None
    chunks, task = start(stream)
    await turns()
    for data, payload in ((begin(b"ab"), b"ab"), (more(b"c"), b"c")):
        seen = await seen_after(partial(wire.feed, data), chunks.copy)
        assert seen[-1] == payload
        assert stream.type is MessageType.BINARY
    await feed(wire, more(b"d", fin=True) + text("behind"))
    assert await task == [b"ab", b"c", b"d", None]
    assert wire.connection.receive_nowait().data == "behind"
    assert wire.connection.stats.messages_received == 2


@QUEUES
async def test_text_comes_as_str_cut_between_characters(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    stream = wire.connection.receive_stream()
    _, task = start(stream)
    await turns()
    await feed(wire, *(bytes([byte]) for byte in text("é中😀")))
    assert await task == ["é", "中", "😀", None]
    assert stream.type is MessageType.TEXT


@QUEUES
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_undecoded(options: dict[str, Any], opcode: int) -> None:
    wire = Wire(decode_text=False, **options)
    stream = wire.connection.receive_stream()
    _, task = start(stream)
    await turns()
    await feed(wire, begin(b"a", opcode), more("é".encode()[:1]), more("é".encode()[1:], fin=True))
    chunks = await task
    assert b"".join(chunks[:-1]) == b"a" + "é".encode()
    assert all(type(chunk) is bytes for chunk in chunks[:-1])
    assert stream.type == opcode


@QUEUES
async def test_what_has_arrived_of_a_message_comes_first(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    wire.feed(begin(b"arrived "))
    stream = wire.connection.receive_stream()
    assert await anext(stream) == b"arrived "
    wire.feed(more(b"later", fin=True))
    assert [chunk async for chunk in stream] == [b"later"]
    assert [chunk async for chunk in stream] == []


@QUEUES
async def test_queued_messages_come_whole_and_in_order(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    ws = wire.connection
    wire.feed(text("1", "") + binary(b"2") + begin(b"3"))
    for expected in (["1"], [], [b"2"]):
        stream = ws.receive_stream()
        assert [chunk async for chunk in stream] == expected
    assert stream.type is MessageType.BINARY
    stream = ws.receive_stream()
    assert await anext(stream) == b"3"
    wire.feed(more(b"4", fin=True) + text("5") + binary(b"6"))
    assert [chunk async for chunk in stream] == [b"4"]
    assert (await ws.receive()).data == "5"
    assert [chunk async for chunk in ws.receive_stream()] == [b"6"]


@QUEUES
async def test_several_receivers_are_served_in_order(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    ws = wire.connection
    first = asyncio.create_task(ws.receive())
    await turns()
    chunks, second = start(ws.receive_stream())
    await turns()
    third = asyncio.create_task(ws.receive())
    await turns()
    others, fourth = start(ws.receive_stream())
    await turns()
    await feed(wire, begin(b"fi"), more(b"rst", fin=True) + begin(b"sec"))
    assert (await first).data == b"first"
    await turns()
    assert chunks == [b"sec"]
    await feed(wire, more(b"ond"), more(b"", fin=True) + text("third") + begin(b"fo", TEXT))
    assert await second == [b"sec", b"ond", None]
    assert (await third).data == "third"
    await turns()
    assert others == ["fo"]
    await feed(wire, more(b"urth", fin=True))
    assert await fourth == ["fo", "urth", None]


async def test_a_receive_that_leaves_the_line_lets_a_stream_begin() -> None:
    for options in ({}, {"timeout": 0.001}):
        wire = Wire()
        first = asyncio.create_task(wire.connection.receive(**options))
        await turns()
        chunks, second = start(wire.connection.receive_stream())
        await turns()
        await feed(wire, begin(b"begun"))
        if not options:
            assert chunks == []
            first.cancel()
        with contextlib.suppress(asyncio.CancelledError, ReadTimeout):
            await first
        await turns()
        assert chunks == [b"begun"]
        await cancelled(second)


async def test_with_lanes_a_stream_takes_what_those_before_it_do_not() -> None:
    wire = Wire(**LANES)
    ws = wire.connection
    texts = asyncio.create_task(ws.receive_text())
    await turns()
    chunks, task = start(ws.receive_stream())
    await turns()
    await feed(wire, begin(b"bin"))
    assert chunks == [b"bin"]
    await feed(wire, more(b"ary", fin=True) + begin(b"te", TEXT))
    assert await task == [b"bin", b"ary", None]
    await feed(wire, more(b"xt", fin=True))
    assert await texts == "text"


@QUEUES
async def test_cancelling_a_wait_loses_nothing(options: dict[str, Any]) -> None:
    """After a cancelled wait, at any step of a message, the next wait continues the message."""
    reads = [begin(b"")[:1], begin(b"")[1:], more(b"ab"), more(b"c"), more(b"", fin=True)]
    for steps in range(1 << len(reads)):
        wire = Wire(**options)
        stream = wire.connection.receive_stream()
        chunks: list[Any] = []
        for number, data in enumerate(reads):
            waiting = asyncio.ensure_future(anext(stream))
            await turns(3)
            if steps >> number & 1:
                waiting.cancel()
            await feed(wire, data)
            await turns(3)
            if waiting.done() and not waiting.cancelled():
                with contextlib.suppress(StopAsyncIteration):
                    chunks.append(waiting.result())
            else:
                await cancelled(waiting)
        rest: list[Any] = (
            [] if not chunks and stream.type is None else [chunk async for chunk in stream]
        )
        if rest or chunks:
            assert b"".join([*chunks, *rest]) == b"abc"
        else:
            # It never waited while the message began, so another receive gets the message.
            assert (await wire.connection.receive()).data == b"abc"


async def test_a_cancelled_wait_gives_its_turn_back() -> None:
    wire = Wire()
    ws = wire.connection
    _, first = start(ws.receive_stream())
    await turns()
    second = asyncio.create_task(ws.receive())
    await turns()
    await cancelled(first)
    await feed(wire, text("for the second"))
    assert (await second).data == "for the second"


@QUEUES
@pytest.mark.parametrize("decode_text", [True, False])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("payload", ["é中".encode(), b""], ids=["some", "none"])
async def test_a_message_of_which_nothing_was_taken_is_left_to_the_next(
    options: dict[str, Any], opcode: int, payload: bytes, *, decode_text: bool
) -> None:
    """This holds however much has arrived when the waiting stream is cancelled."""
    data = begin(payload[:2], opcode) + ping() + more(payload[2:], fin=True)
    for cut in range(len(data) + 1):
        wire = Wire(decode_text=decode_text, max_message_size=10, **options)
        ws = wire.connection
        chunks, first = start(ws.receive_stream())
        await turns()
        second = asyncio.create_task(ws.receive())
        await turns()
        # This feed runs in a task: the stream is not resumed in place, so it can be cancelled
        # first.
        wire.feed(data[:cut])
        first.cancel()
        await turns()
        await feed(wire, data[cut:] + text("behind"))
        is_text = opcode == TEXT and decode_text
        assert tuple(await second) == (opcode, payload.decode() if is_text else payload)
        assert (await ws.receive()).data in {"behind", b"behind"}
        assert chunks == []
        assert ws.pending == (0, 0)
        assert ws.stats.messages_received == 2


async def test_what_is_over_the_limit_stays_the_streams() -> None:
    wire = Wire(max_message_size=10)
    stream = wire.connection.receive_stream()
    for size in (0, 3):
        waiting = asyncio.ensure_future(anext(stream))
        await turns()
        wire.feed(b"a" * size if size else binary(b"a" * 11)[:2])
        await cancelled(waiting)
    wire.feed(b"a" * 8 + text("behind"))
    chunks: list[Any] = [chunk async for chunk in stream]
    assert b"".join(chunks) == b"a" * 11
    assert (await wire.connection.receive()).data == "behind"


async def test_what_is_over_the_limit_is_left_to_nobody() -> None:
    wire = Wire(max_message_size=10)
    ws = wire.connection
    _, first = start(ws.receive_stream())
    await turns()
    wire.feed(begin(b"a" * 11))
    first.cancel()
    await turns()
    wire.feed(more(b"b" * 100, fin=True) + text("behind"))
    assert (await ws.receive()).data == "behind"


@QUEUES
@pytest.mark.parametrize("way", ["break", "aclose", "block", "error", "drop"])
async def test_what_is_left_is_discarded(options: dict[str, Any], way: str) -> None:
    wire = Wire(max_queue_bytes=10, **options)
    ws = wire.connection
    wire.feed(begin(b"a"))
    if way == "break":
        async for chunk in ws.receive_stream():
            assert chunk == b"a"
            break
    elif way == "drop":
        await anext(ws.receive_stream())
    elif way == "aclose":
        stream = ws.receive_stream()
        await anext(stream)
        await stream.aclose()
        await stream.aclose()
        assert [chunk async for chunk in stream] == []
    else:
        with contextlib.suppress(KeyError):
            async with ws.receive_stream() as stream:
                async for _ in stream:
                    if way == "error":
                        raise KeyError
                    break
    waiting = asyncio.create_task(ws.receive())
    await turns()
    for _ in range(10):
        await feed(wire, more(b"b" * 100))
    assert wire.transport.pauses == wire.transport.resumes
    assert ws.pending == (0, 0)
    await feed(wire, more(b"", fin=True) + text("next"))
    assert (await waiting).data == "next"
    assert ws.stats.messages_received == 2


async def test_abandoned_while_reading_is_held_back() -> None:
    for way in ("drop", "aclose"):
        wire = Wire(max_queue_bytes=10)
        stream = wire.connection.receive_stream()
        wire.feed(begin(b"a"))
        await anext(stream)
        wire.feed(more(b"b" * 20))
        assert (wire.transport.pauses, wire.transport.resumes) == (1, 0)
        if way == "aclose":
            await stream.aclose()
        del stream
        await turns()
        assert wire.transport.resumes == 1
        wire.feed(more(b"c" * 20))
        assert wire.transport.pauses == 1


async def test_what_is_discarded_is_still_checked() -> None:
    wire = Wire()
    stream = wire.connection.receive_stream()
    wire.feed(begin(b"a", TEXT))
    await anext(stream)
    await stream.aclose()
    wire.feed(more(b"\xff"))
    with pytest.raises(wirespeed.InvalidUtf8):
        await wire.connection.receive()


async def test_a_stream_that_never_waited_takes_nothing() -> None:
    wire = Wire()
    ws = wire.connection
    async with ws.receive_stream() as stream:
        wire.feed(begin(b"a"))
    assert stream.type is None
    waiting = asyncio.create_task(ws.receive())
    await turns()
    await feed(wire, more(b"b", fin=True))
    assert (await waiting).data == b"ab"


async def test_closed_by_another_task_while_it_waits() -> None:
    for begun in (False, True):
        wire = Wire()
        stream = wire.connection.receive_stream()
        if begun:
            wire.feed(begin(b"a"))
        _, task = start(stream)
        await turns()
        await stream.aclose()
        await feed(wire, more(b"b", fin=True) if begun else text("b"))
        assert await task == ([b"a", None] if begun else [None])
        await turns()
        assert wire.connection.pending == ((0, 0) if begun else (1, 1))


async def test_one_task_at_a_time_waits_for_a_chunk() -> None:
    wire = Wire()
    stream = wire.connection.receive_stream()
    _, task = start(stream)
    await turns()
    with pytest.raises(RuntimeError, match="waits for the next chunk"):
        await anext(stream)
    await feed(wire, text("a"))
    assert await task == ["a", None]


@QUEUES
async def test_timeout(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    stream = wire.connection.receive_stream(timeout=0.001)
    with pytest.raises(ReadTimeout):
        await anext(stream)
    wire.feed(begin(b"a"))
    assert await anext(stream) == b"a"
    with pytest.raises(ReadTimeout, match=r"no chunk arrived within 0\.001 seconds"):
        await anext(stream)
    wire.feed(more(b"b", fin=True))
    assert [chunk async for chunk in stream] == [b"b"]


async def test_no_time_at_all() -> None:
    wire = Wire()
    stream = wire.connection.receive_stream(timeout=0)
    with pytest.raises(ReadTimeout):
        await anext(stream)
    wire.feed(begin(b"a"))
    assert await anext(stream) == b"a"


async def test_a_reader_that_receives_inside_the_wake() -> None:
    wire = Wire()
    ws = wire.connection
    got: list[Any] = []

    async def consume() -> None:
        while len(got) < 4:
            got.extend([chunk async for chunk in ws.receive_stream()])
            got.append(await ws.receive_text())

    task = asyncio.create_task(consume())
    await turns()
    data = begin(b"1") + more(b"", fin=True) + text("2") + binary(b"3") + text("4")
    assert await seen_after(lambda: wire.feed(data), got.copy) == [b"1", "2", b"3", "4"]
    await task


async def test_another_thread_is_refused() -> None:
    wire = Wire()
    stream = wire.connection.receive_stream()
    for call in (
        wire.connection.receive_stream,
        stream.__anext__,
        lambda: stream.aclose().send(None),
    ):
        with pytest.raises(RuntimeError, match="thread"):
            await asyncio.to_thread(call)
