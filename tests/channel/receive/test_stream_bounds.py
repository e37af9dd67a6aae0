"""Messages in chunks: how much of them is kept, and what the end of the connection does to them.

There is no socket: the test decides each read, and each wait of the consumer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channel.scripted import (
    Wire,
    binary,
    close,
    in_callback,
    ping,
    text,
    turns,
)
from channel.streams import LANES, QUEUES, begin, feed, more, read, start
from rawserver import TEXT

import wirespeed
from wirespeed import ConnectionDisconnected, ProtocolError


@pytest.mark.parametrize("overflow", ["pause", "drop_oldest", "drop_newest", "close"])
async def test_a_slow_reader_holds_reading_back(overflow: str) -> None:
    wire = Wire(max_queue_bytes=10, overflow=overflow)
    ws = wire.connection
    stream = ws.receive_stream()
    wire.feed(begin(b"0"))
    await anext(stream)
    for number in range(2):
        wire.feed(more(b"%d" % number * 6))
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 0)
    assert ws.pending == (0, 12)
    assert await anext(stream) == b"0" * 6
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 0)
    assert await anext(stream) == b"1" * 6
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 1)
    assert ws.stats.pauses == 1
    assert not ws.closed


@QUEUES
@pytest.mark.parametrize("how", ["receive", "receive_bytes", "stream", "nowait", "peek"])
async def test_an_unfinished_message_nobody_waits_for(options: dict[str, Any], how: str) -> None:
    wire = Wire(max_queue_bytes=10, **options)
    ws = wire.connection
    wire.feed(begin(b"a" * 10))
    assert wire.transport.pauses == 0
    wire.feed(more(b"b"))
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 0)
    if how == "stream":
        stream = ws.receive_stream()
        assert await anext(stream) == b"a" * 10 + b"b"
        assert wire.transport.resumes == 1
        wire.feed(more(b"c", fin=True))
        assert await anext(stream) == b"c"
    elif how in {"nowait", "peek"}:
        for _ in range(3):
            if how == "peek":
                assert ws.peek() is None
            else:
                with pytest.raises(asyncio.QueueEmpty):
                    ws.receive_nowait()
            assert wire.transport.pauses == wire.transport.resumes
            wire.feed(more(b"b"))
            assert wire.transport.pauses == wire.transport.resumes + 1
        ws.peek()
        wire.feed(more(b"c", fin=True))
        assert ws.receive_nowait().data == b"a" * 10 + b"b" * 4 + b"c"
    else:
        waiting = asyncio.create_task(getattr(ws, how)())
        await turns()
        assert wire.transport.resumes == 1
        await feed(wire, more(b"b" * 100), more(b"c", fin=True))
        assert wire.transport.pauses == 1
        received = await waiting
        assert (received if how == "receive_bytes" else received.data)[-1:] == b"c"


async def test_with_lanes_a_receiver_of_the_other_type_changes_nothing() -> None:
    wire = Wire(max_queue_bytes=10, **LANES)
    ws = wire.connection
    texts = asyncio.create_task(ws.receive_text())
    await turns()
    wire.feed(begin(b"a" * 11))
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 0)
    waiting = asyncio.create_task(ws.receive_bytes())
    await turns()
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 1)
    await feed(wire, more(b"", fin=True) + text("b"))
    assert await waiting == b"a" * 11
    assert await texts == "b"


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
async def test_who_drops_messages_holds_back_only_what_has_no_limit(overflow: str) -> None:
    for max_message_size, pauses in ((1000, 0), (None, 1)):
        wire = Wire(max_queue_bytes=10, overflow=overflow, max_message_size=max_message_size)
        wire.feed(begin(b"a" * 11))
        assert wire.transport.pauses == pauses


async def test_a_streamed_message_has_no_limit() -> None:
    wire = Wire(max_message_size=10)
    ws = wire.connection
    _, task = start(ws.receive_stream())
    await turns()
    await feed(wire, binary(b"a" * 1000)[:500], binary(b"a" * 1000)[500:])
    assert b"".join((await task)[:-1]) == b"a" * 1000
    await feed(wire, binary(b"a" * 11))
    with pytest.raises(wirespeed.MessageTooBig):
        await ws.receive()


async def test_pings_between_fragments_are_answered() -> None:
    wire = Wire()
    stream = wire.connection.receive_stream()
    wire.feed(begin(b"a") + ping(b"1"))
    assert wire.sent() == [b"1"]
    assert await anext(stream) == b"a"
    wire.feed(ping(b"2") + more(b"b", fin=True))
    await turns()
    assert wire.sent() == [b"1", b"2"]
    assert [chunk async for chunk in stream] == [b"b"]


@QUEUES
@pytest.mark.parametrize("before", [True, False], ids=["waits", "later"])
@pytest.mark.parametrize("end", ["lost", "close", "fault", "eof"])
async def test_the_end_in_the_midst(options: dict[str, Any], end: str, *, before: bool) -> None:
    wire = Wire(**options)
    ws = wire.connection
    stream = ws.receive_stream()
    chunks: list[Any] = []
    wire.feed(begin(b"a", TEXT))
    chunks.append(await anext(stream))
    task = asyncio.create_task(read(stream, chunks))
    if before:
        await turns()
    if end == "lost":
        await feed(wire, more(b"b"))
        await in_callback(wire.lose)
    elif end == "eof":
        await feed(wire, more(b"b"))
        await in_callback(wire.protocol.eof_received)
    else:
        await feed(wire, more(b"b") + (close() if end == "close" else more(b"c\xff")))
    with pytest.raises(ProtocolError if end == "fault" else ConnectionDisconnected):
        await task
    assert "".join(chunks) == ("abc" if end == "fault" else "ab")
    # The stream goes on raising, and the next receive raises too.
    with pytest.raises((ProtocolError, ConnectionDisconnected)):
        await anext(stream)
    with pytest.raises((ProtocolError, ConnectionDisconnected)):
        await ws.receive()


@QUEUES
async def test_the_end_before_the_message(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    _, task = start(wire.connection.receive_stream())
    await turns()
    await feed(wire, close())
    with pytest.raises(ConnectionDisconnected):
        await task
    with pytest.raises(ConnectionDisconnected):
        await anext(wire.connection.receive_stream())


async def test_the_last_message_before_the_end() -> None:
    wire = Wire()
    _, task = start(wire.connection.receive_stream())
    await turns()
    await feed(wire, begin(b"a"), more(b"b", fin=True) + close())
    assert await task == [b"a", b"b", None]


async def test_closing_reads_on() -> None:
    wire = Wire(max_queue_bytes=10)
    ws = wire.connection
    stream = ws.receive_stream()
    wire.feed(begin(b"0"))
    await anext(stream)
    wire.feed(more(b"a" * 20))
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 0)
    closing = asyncio.create_task(ws.close())
    await turns()
    assert wire.transport.resumes == 1
    for _ in range(100):
        wire.feed(more(b"b" * 20))
    assert ws.pending.bytes <= 40
    wire.feed(more(b"c", fin=True) + text("whole") + close())
    wire.lose()
    await closing
    # The loss of the middle part must not go unnoticed.
    chunks: list[Any] = []
    with pytest.raises(ConnectionDisconnected):
        await read(stream, chunks)
    assert chunks[0] == b"a" * 20
    assert ws.receive_nowait().data == "whole"


async def test_closing_drops_an_unfinished_message_without_end() -> None:
    wire = Wire(max_queue_bytes=10, max_message_size=None)
    ws = wire.connection
    wire.feed(begin(b"a" * 11))
    closing = asyncio.create_task(ws.close())
    await turns()
    assert (wire.transport.pauses, wire.transport.resumes) == (1, 1)
    for _ in range(100):
        wire.feed(more(b"b" * 20))
        assert ws._parser.filled <= 31
    wire.feed(more(b"c", fin=True) + text("whole") + close())
    wire.lose()
    await closing
    assert ws.receive_nowait().data == "whole"


async def test_closing_loses_no_unfinished_message_that_is_limited() -> None:
    wire = Wire(max_queue_bytes=10)
    ws = wire.connection
    wire.feed(begin(b"a" * 11))
    closing = asyncio.create_task(ws.close())
    await turns()
    wire.feed(more(b"b" * 20))
    wire.feed(more(b"c", fin=True) + close())
    wire.lose()
    await closing
    assert ws.receive_nowait().data == b"a" * 11 + b"b" * 20 + b"c"


async def test_chunks_are_counted() -> None:
    wire = Wire(ping_interval=None)
    ws = wire.connection
    stream = ws.receive_stream()
    wire.feed(begin(b"ab"))
    assert ws.pending == (0, 0)
    assert await anext(stream) == b"ab"
    wire.feed(more(b"cde"))
    assert ws.pending == (0, 3)
    assert ws.stats.messages_received == 0
    wire.feed(more(b"f", fin=True))
    assert ws.stats.messages_received == 1
    assert ws.stats.frames_received == 3
    assert ws.stats.payload_bytes_received == 6
    wire.lose()
    assert ws.close_info is not None
    assert (ws.close_info.unread_messages, ws.close_info.unread_bytes) == (0, 4)
    assert [chunk async for chunk in stream] == [b"cde", b"f"]
    assert ws.pending == (0, 0)


@QUEUES
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("way", ["close", "abort", "late"])
async def test_the_clients_own_end(options: dict[str, Any], way: str, *, begun: bool) -> None:
    wire = Wire(ping_interval=None, **options)
    ws = wire.connection
    if begun:
        wire.feed(begin(b"a"))
    chunks, task = start(ws.receive_stream())
    await turns()
    if way == "abort":
        ws.abort()
    else:
        closing = asyncio.create_task(ws.close())
        await turns()
        if way == "late":
            # What arrives before the server's Close frame is still received.
            await feed(wire, more(b"b", fin=True) if begun else binary(b"b"))
        await feed(wire, close())
        wire.lose()
        await closing
    if way == "late":
        assert await task == ([b"a", b"b", None] if begun else [b"b", None])
    else:
        with pytest.raises(ConnectionDisconnected):
            await task
        assert chunks == ([b"a"] if begun else [])
