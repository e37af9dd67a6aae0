"""The recipe for many consumers of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection, serve

import wirespeed
from examples.broadcast.broadcast import Broadcast, Overflow, TooSlow

COUNT = 3000


async def feed(connection: ServerConnection) -> None:
    for number in range(COUNT):
        await connection.send(str(number))
    assert await connection.recv() == "enough"
    if connection.request is not None and connection.request.path == "/lost":
        connection.transport.abort()


async def collected(messages: AsyncIterator[str | bytes]) -> list[str | bytes]:
    return [message async for message in messages]


async def test_each_consumer_has_its_own_queue() -> None:
    broadcast: Broadcast[str | bytes] = Broadcast()
    async with serve(feed, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with wirespeed.connect(f"ws://127.0.0.1:{port}/") as ws:
            with (
                broadcast.subscribe(maxsize=2) as quick,
                broadcast.subscribe(maxsize=5) as oldest,
                broadcast.subscribe(maxsize=5, overflow="drop_newest") as newest,
                broadcast.subscribe(maxsize=5, overflow="end") as ends,
            ):
                running = asyncio.create_task(broadcast.run(ws))
                seen = []
                async for message in quick:
                    seen.append(message)
                    if len(seen) == COUNT:
                        await ws.send("enough")
                await running
                numbers = [str(number) for number in range(COUNT)]
                # Those that read nothing did not hold back the one that did.
                assert seen == numbers
                assert quick.missed == 0
                assert await collected(oldest) == numbers[-5:]
                assert await collected(newest) == numbers[:5]
                assert oldest.missed == newest.missed == COUNT - 5
                first = [await anext(ends) for _ in range(5)]
                assert first == numbers[:5]
                with pytest.raises(TooSlow, match="more than 5 messages"):
                    await anext(ends)
                assert ends.missed == 1


async def test_all_hear_of_a_lost_connection() -> None:
    broadcast: Broadcast[str | bytes] = Broadcast()
    async with serve(feed, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with wirespeed.connect(f"ws://127.0.0.1:{port}/lost") as ws:
            with broadcast.subscribe(maxsize=2 * COUNT) as one, broadcast.subscribe() as other:
                running = asyncio.create_task(broadcast.run(ws))
                await ws.send("enough")
                with pytest.raises(wirespeed.ConnectionDisconnected):
                    await running
                for messages in (one, other):
                    with pytest.raises(wirespeed.ConnectionDisconnected):
                        await collected(messages)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest", "end"])
async def test_nobody_gets_a_message_after_leaving(overflow: Overflow) -> None:
    broadcast: Broadcast[int] = Broadcast()

    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            yield number
            await asyncio.sleep(0)

    with broadcast.subscribe(overflow=overflow) as messages:
        running = asyncio.create_task(broadcast.run(numbers()))
        assert await anext(messages) == 0
    await running
    assert messages.missed == 0
    assert not messages._queue


def test_a_queue_has_room() -> None:
    broadcast: Broadcast[int] = Broadcast()
    with pytest.raises(ValueError, match="1 or more"), broadcast.subscribe(maxsize=0):
        pass
