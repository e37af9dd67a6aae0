"""Each public coroutine is cancelled while it waits: no message is lost, none comes twice.

No timer runs out in these tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, text, turns

from wirespeed import WebSocketConnection

RECEIVES: dict[str, Callable[[WebSocketConnection], Any]] = {
    "receive": lambda ws: ws.receive(),
    "receive_text": lambda ws: ws.receive_text(),
    "receive_bytes": lambda ws: ws.receive_bytes(),
    "receive_json": lambda ws: ws.receive_json(),
    "receive_many": lambda ws: ws.receive_many(),
    "async for": lambda ws: ws.__aiter__().__anext__(),
    "batches": lambda ws: ws.batches().__anext__(),
}
SENDS: dict[str, Callable[[WebSocketConnection], Any]] = {
    "send": lambda ws: ws.send("1"),
    "send_text": lambda ws: ws.send_text("1"),
    "send_bytes": lambda ws: ws.send_bytes(b"1"),
    "send_json": lambda ws: ws.send_json(1),
    "send_many": lambda ws: ws.send_many(["1"]),
}


async def waits(waiting: Any) -> Any:
    """Await any awaitable in a coroutine."""
    return await waiting


@pytest.mark.parametrize("name", RECEIVES)
async def test_a_cancelled_receive_takes_nothing(name: str) -> None:
    wire = Wire()
    task = asyncio.create_task(waits(RECEIVES[name](wire.connection)))
    await turns()
    assert not task.done()
    await cancelled(task)
    assert task.cancelled()
    wire.feed(text("1", "2"))
    assert await wire.connection.receive_many() == ["1", "2"]
    wire.lose()


@pytest.mark.parametrize("name", SENDS)
async def test_a_cancelled_send_is_sent_once(name: str) -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    task = asyncio.create_task(waits(SENDS[name](wire.connection)))
    await turns()
    assert not task.done()
    await cancelled(task)
    assert task.cancelled()
    wire.protocol.resume_writing()
    await wire.connection.send("2")
    await turns()
    assert wire.sent() == [b"1", b"2"]
    wire.lose()


async def test_a_cancelled_flush_loses_nothing() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    sending = asyncio.create_task(waits(wire.connection.send("1")))
    await turns()
    flushing = asyncio.create_task(waits(wire.connection.flush()))
    await turns()
    assert not flushing.done()
    await cancelled(flushing)
    assert flushing.cancelled()
    wire.protocol.resume_writing()
    await sending
    await turns()
    assert wire.sent() == [b"1"]
    wire.lose()


async def test_a_cancelled_wait_for_the_end_changes_nothing() -> None:
    wire = Wire()
    first, second = (asyncio.create_task(wire.connection.wait_closed()) for _ in range(2))
    await turns()
    await cancelled(first)
    assert first.cancelled()
    wire.feed(text("1"))
    assert await wire.connection.receive_text() == "1"
    wire.lose()
    await second
