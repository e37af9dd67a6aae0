"""Connections that end while a task waits in a receive, for each kind of receive.

Does not measure time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ends import binary_frame, both_ends, close_frame, collect, text_frame, turns

from wirespeed import ConnectionDisconnected, Message, MessageType, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")

Receive = Callable[[WebSocketConnection], Awaitable[Any]]


async def batches(ws: WebSocketConnection) -> list[str | bytes]:
    """Receive in batches until the iteration ends."""
    return [data async for batch in ws.batches() for data in batch]


ITERATIONS: dict[str, Receive] = {"async for": collect, "batches": batches}
RECEIVES: dict[str, Receive] = {
    "receive": lambda ws: ws.receive(),
    "timeout": lambda ws: ws.receive(timeout=3600),
    "receive_text": lambda ws: ws.receive_text(),
    "receive_bytes": lambda ws: ws.receive_bytes(),
    "receive_json": lambda ws: ws.receive_json(),
    "receive_many": lambda ws: ws.receive_many(),
    "receive_many, limited": lambda ws: ws.receive_many(1, timeout=3600),
    "receive_pong": lambda ws: ws.receive_pong(),
}
WAYS = ITERATIONS | RECEIVES
each_way = pytest.mark.parametrize("way", WAYS)
with_and_without_lanes = pytest.mark.parametrize(
    "lanes", [{}, {"text_queue_maxsize": 10}], ids=["queue", "lanes"]
)


@each_way
@with_and_without_lanes
async def test_closing_by_another_task(way: str, lanes: dict[str, Any]) -> None:
    async with both_ends(**lanes) as (client, server):
        receiving = asyncio.ensure_future(WAYS[way](client))
        await turns()
        closing = asyncio.create_task(client.close(1000, "enough"))
        assert await server.expect_close() == (1000, "enough")
        # The server's messages before its Close frame can still arrive.
        assert not receiving.done()
        await server.write(close_frame(1000))
        server.writer.close()
        await closing
        if way in ITERATIONS:
            assert await receiving == []
        else:
            with pytest.raises(ConnectionDisconnected) as caught:
                await receiving
            assert (caught.value.sent, caught.value.received) == ((1000, "enough"), (1000, ""))


@pytest.mark.parametrize(
    ("way", "frame", "expected"),
    [
        ("async for", text_frame("1"), ["1"]),
        ("batches", text_frame("1"), ["1"]),
        ("receive", text_frame("1"), Message(MessageType.TEXT, "1")),
        ("receive_text", text_frame("1"), "1"),
        ("receive_bytes", binary_frame(b"1"), b"1"),
        ("receive_json", text_frame("1"), 1),
        ("receive_many", text_frame("1"), ["1"]),
    ],
)
@with_and_without_lanes
async def test_what_comes_after_our_close_frame_is_received(
    way: str, frame: bytes, expected: object, lanes: dict[str, Any]
) -> None:
    async with both_ends(**lanes) as (client, server):
        receiving = asyncio.ensure_future(WAYS[way](client))
        await turns()
        closing = asyncio.create_task(client.close())
        await server.expect_close()
        await server.write(frame + close_frame(1000))
        server.writer.close()
        await closing
        assert await receiving == expected


@each_way
@with_and_without_lanes
async def test_aborting_by_another_task(way: str, lanes: dict[str, Any]) -> None:
    async with both_ends(**lanes) as (client, _):
        receiving = asyncio.ensure_future(WAYS[way](client))
        await turns()
        client.abort()
        with pytest.raises(ConnectionDisconnected, match="aborted"):
            await receiving


@each_way
@with_and_without_lanes
async def test_a_server_that_vanishes(way: str, lanes: dict[str, Any]) -> None:
    async with both_ends(**lanes) as (client, server):
        receiving = asyncio.ensure_future(WAYS[way](client))
        await turns()
        server.reset()
        with pytest.raises(ConnectionDisconnected, match="lost without a Close frame"):
            await receiving
