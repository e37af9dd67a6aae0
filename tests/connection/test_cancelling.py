"""Receives that are cancelled or time out: no message is lost, none arrives twice.

Nothing depends on luck: the seeds are fixed, and the assertions hold for every schedule.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from ends import both_ends, collect, deliver, text_frame, turns

import wirespeed
from wirespeed import WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")


@pytest.mark.parametrize("seconds", [0, 0.001, 0.01])
async def test_a_timeout_loses_nothing(seconds: float) -> None:
    async with both_ends() as (client, server):
        for receive in (
            client.receive,
            client.receive_text,
            client.receive_bytes,
            client.receive_json,
            client.receive_many,
        ):
            with pytest.raises(wirespeed.ReadTimeout):
                await receive(timeout=seconds)
            with pytest.raises(TimeoutError):
                await receive(timeout=seconds)
        assert not client.closed
        await server.write(text_frame("1"))
        assert await client.receive_text(timeout=30) == "1"


async def test_no_time_is_enough_for_what_is_queued() -> None:
    async with both_ends() as (client, server):
        await deliver(server, text_frame("1") + text_frame("2"))
        assert await client.receive_text(timeout=0) == "1"
        assert await client.receive_many(timeout=0) == ["2"]


async def test_messages_around_timeouts_arrive_once() -> None:
    texts = [str(number) for number in range(300)]
    received: list[str] = []

    async def feed() -> None:
        for text in texts:
            await server.write(text_frame(text))
            await turns(int(text) % 5)

    async with both_ends() as (client, server):
        feeding = asyncio.create_task(feed())
        timeouts = 0
        while len(received) < len(texts):
            try:
                received.append(await client.receive_text(timeout=1e-6))
            except wirespeed.ReadTimeout:
                timeouts += 1
        await feeding
    assert received == texts


async def test_cancelling_a_waiting_receive_loses_nothing() -> None:
    async with both_ends() as (client, server):
        tasks = [asyncio.create_task(client.receive_text()) for _ in range(3)]
        await turns()
        tasks[1].cancel("not this one")
        await server.write(text_frame("1") + text_frame("2") + text_frame("3"))
        with pytest.raises(asyncio.CancelledError, match="not this one"):
            await tasks[1]
        assert [await tasks[0], await tasks[2]] == ["1", "2"]
        assert await client.receive_text() == "3"


async def test_cancelling_before_the_first_step() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame("1"))
        task = asyncio.create_task(client.receive_text())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await client.receive_text() == "1"


async def test_cancelling_a_receiver_that_was_woken() -> None:
    """A task that another task wakes gets its turn later; it is cancelled before that."""

    async def greedy(client: WebSocketConnection) -> str:
        first = await client.receive_text()
        # The second message is, or will be, set aside for this task. It must not be lost.
        tasks[1].cancel()
        return first

    async with both_ends() as (client, server):
        tasks = [
            asyncio.create_task(greedy(client)),
            asyncio.create_task(client.receive_text()),
            asyncio.create_task(client.receive_text()),
        ]
        await turns()
        await server.write(text_frame("1") + text_frame("2"))
        assert await tasks[0] == "1"
        results = await asyncio.gather(tasks[1], return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert await tasks[2] == "2"


@pytest.mark.parametrize("way", ["iterate", "batches", "receive", "wait_for", "timeout"])
async def test_cancelling_at_any_time_loses_nothing(way: str) -> None:
    received: list[str | bytes] = []

    async def consume(client: WebSocketConnection) -> None:
        if way == "iterate":
            await collect(client, received)
        elif way == "batches":
            async for batch in client.batches():
                received.extend(batch)
        elif way == "receive":
            while True:
                received.append((await client.receive()).data)
        elif way == "wait_for":
            while True:
                received.append((await asyncio.wait_for(client.receive(), 30)).data)
        else:
            while True:
                received.append((await client.receive(timeout=30)).data)

    async def feed() -> None:
        for text in texts:
            await server.write(text_frame(text))
            await turns(int(text) % 3)

    texts = [str(number) for number in range(1000)]
    choose = random.Random(20_251_121)
    async with both_ends() as (client, server):
        feeding = asyncio.create_task(feed())
        while len(received) < len(texts):
            consumer = asyncio.create_task(consume(client))
            await turns(choose.randrange(5))
            # `wait_for` of Python 3.11 drops a cancellation that coincides with a result.
            while not consumer.done():
                consumer.cancel()
                await turns()
        await feeding
    assert received == texts
