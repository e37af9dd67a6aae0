"""A task that sends without end, and never has to wait, still lets other tasks run.

The tests measure no time, only the bytes that were written between two turns of the loop.
"""
# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
import itertools
from functools import partial

import pytest
from channel.scripted import Wire, cancelled, seen_after, text, turns

KIB = 1024


@pytest.mark.parametrize("way", ["send", "fragments", "large", "flush", "send_many", "json"])
async def test_a_sender_that_is_always_ready_gives_others_a_turn(way: str) -> None:
    """Between two turns of the loop, about 64 KiB and one message are written at most."""
    wire = Wire()
    ws = wire.connection
    message = 100_000 if way == "large" else 70_000 if way == "fragments" else 1_000
    sent_at_turn: list[int] = []

    async def other() -> None:
        while True:
            sent_at_turn.append(len(wire.written()))
            await asyncio.sleep(0)

    async def send() -> None:
        if way == "send_many":
            await ws.send_many([b"x" * message] * 1000)
        for _ in range(1000 * 1000 // message):
            if way == "fragments":
                # Only the last fragment is small.
                await ws.send([b"x" * (message - 10), b"x" * 10])
            elif way == "flush":
                ws.send(b"x" * message)
                await ws.flush()
            elif way == "json":
                await ws.send_json("x" * message)
            else:
                await ws.send(b"x" * message)

    watching = asyncio.create_task(other())
    await asyncio.create_task(send())
    await turns()
    steps = [after - before for before, after in itertools.pairwise(sent_at_turn)]
    assert max(steps) <= 2 * (64 * KIB + message)
    await cancelled(watching)


async def test_a_wake_that_sends_without_end_gives_others_a_turn() -> None:
    wire = Wire()

    async def consume() -> None:
        await wire.connection.receive()
        for _ in range(1000):
            await wire.connection.send(b"x" * 1000)

    task = asyncio.create_task(consume())
    await turns()
    sent = await seen_after(partial(wire.feed, text("1")), lambda: len(wire.written()))
    assert sent <= 66 * KIB
    await task
    await turns()
    assert len(wire.sent()) == 1000
