"""Each way to receive, and each kind of queue, gets what has arrived before a write failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
import reference
from ends import collect
from leaver import (
    CLOSE_FRAME,
    FIRST,
    MESSAGES,
    Leaver,
    first_of,
    leaving,
    read_until_it_fails,
    text_frames,
    write_until_it_fails,
)
from rawserver import BINARY

import wirespeed
from wirespeed import ConnectionDisconnected, Message, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")

Consume = Callable[[WebSocketConnection, list[str | bytes]], Awaitable[None]]


async def with_receive(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    while True:
        received.append((await ws.receive()).data)


async def with_receive_many(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    while True:
        received.extend(await ws.receive_many(3))


async def with_streams(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    while True:
        received.append("".join([str(chunk) async for chunk in ws.receive_stream()]))


async def with_iteration(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    await collect(ws, received)
    await ws.receive()


async def with_batches(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    async for batch in ws.batches(7):
        received.extend(batch)
    await ws.receive()


CONSUMERS: Final[dict[str, Consume]] = {
    "receive": with_receive,
    "receive_many": with_receive_many,
    "receive_stream": with_streams,
    "iteration": with_iteration,
    "batches": with_batches,
}


@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_each_way_to_receive(consumer: str) -> None:
    with leaving() as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        with pytest.raises(ConnectionDisconnected) as raised:
            await CONSUMERS[consumer](ws, received)
        assert raised.value.code == 1000
        assert received == MESSAGES


@pytest.mark.parametrize("consumer", CONSUMERS)
async def test_a_consumer_that_waits_meanwhile(consumer: str) -> None:
    with leaving(first=b"", rest=text_frames(MESSAGES) + CLOSE_FRAME) as server:
        ws = await wirespeed.connect(**server.where, max_queue=2, ping_interval=None)
        received: list[str | bytes] = []
        consuming = asyncio.ensure_future(CONSUMERS[consumer](ws, received))
        await asyncio.sleep(0)
        server.left_meanwhile()
        await write_until_it_fails(ws)
        with pytest.raises(ConnectionDisconnected) as raised:
            await consuming
        assert raised.value.code == 1000
        assert received == MESSAGES


async def test_a_stream_that_is_cut() -> None:
    frame = text_frames(["x" * 20_000])
    with leaving(first=text_frames(["first"]) + frame[:5000], rest=frame[5000:-10]) as server:
        ws = await wirespeed.connect(**server.where, ping_interval=None)
        assert await ws.receive_text() == "first"
        stream = ws.receive_stream()
        chunks = [str(await anext(stream))]
        server.left_meanwhile()
        await write_until_it_fails(ws)
        with pytest.raises(ConnectionDisconnected):
            while True:
                chunks.append(str(await anext(stream)))
        assert len("".join(chunks)) == 20_000 - 10


async def test_two_lanes() -> None:
    both = [
        text_frames([message]) + reference.frame(BINARY, message.encode()) for message in MESSAGES
    ]
    first, rest = b"".join(both[:FIRST]), b"".join(both[FIRST:]) + CLOSE_FRAME
    with leaving(first=first, rest=rest) as server:
        ws, texts = await first_of(server, text_queue_maxsize=2, binary_queue_maxsize=2)
        await write_until_it_fails(ws)
        blocks: list[bytes] = []

        async def take_texts() -> None:
            while True:
                texts.append(await ws.receive_text())

        async def take_blocks() -> None:
            while True:
                blocks.append(await ws.receive_bytes())

        ends = await asyncio.gather(take_texts(), take_blocks(), return_exceptions=True)
        assert [getattr(end, "code", end) for end in ends] == [1000, 1000]
        assert texts == MESSAGES
        assert blocks == [message.encode() for message in MESSAGES]


async def test_a_batch_window() -> None:
    with leaving() as server:
        # While the window is open, nothing is read.
        ws, received = await first_of(server, max_queue=None, batch_window=0.02)
        await write_until_it_fails(ws)
        received += [message async for message in ws]
        assert received == MESSAGES
        assert ws.close_code == 1000


async def opened_and_left(server: Leaver, **options: Any) -> WebSocketConnection:
    """Open a connection, and let the peer leave before anything more is read."""
    ws = await wirespeed.connect(**server.where, ping_interval=None, **options)
    server.left_meanwhile()
    await write_until_it_fails(ws)
    return ws


async def test_drop_oldest_counts_what_it_drops() -> None:
    with leaving() as server:
        ws = await opened_and_left(server, max_queue=3, overflow="drop_oldest")
        received = [message async for message in ws]
        assert received == MESSAGES[-3:]
        assert ws.dropped.messages == len(MESSAGES) - 3
        assert ws.close_code == 1000


async def test_drop_newest_counts_what_it_drops() -> None:
    with leaving() as server:
        ws = await opened_and_left(server, max_queue=3, overflow="drop_newest")
        received = [message async for message in ws]
        assert received == MESSAGES[:3]
        assert ws.dropped.messages == len(MESSAGES) - 3
        assert ws.close_code == 1000


async def test_conflation_counts_what_it_replaces() -> None:
    def key_of(message: Message) -> int:
        return int(message.data[:3]) % 4

    with leaving() as server:
        ws = await opened_and_left(server, conflate=key_of)
        received = [message async for message in ws]
        assert sorted(received) == MESSAGES[-4:]
        assert ws.dropped.messages == len(MESSAGES) - 4
        assert ws.close_code == 1000


async def test_a_full_queue_that_is_to_close() -> None:
    with leaving() as server:
        ws = await opened_and_left(server, max_queue=3, overflow="close")
        received: list[str | bytes] = []
        with pytest.raises(wirespeed.QueueOverflow):
            await collect(ws, received)
        # Nothing is left out: what is missing came after the last.
        assert received == MESSAGES[: len(received)]
        assert received


async def test_without_a_close_frame_all_is_read_before_the_error() -> None:
    with leaving(rest=text_frames(MESSAGES[FIRST:])) as server:
        ws, received = await first_of(server, max_queue=1)
        await write_until_it_fails(ws)
        await read_until_it_fails(ws, received)
        assert received == MESSAGES
