"""A batch window on real transports: everything arrives, in order, and closing is prompt.

No test depends on how the server's writes fall into windows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from ends import Tls, both_ends, ping_frame, text_frame
from rawserver import PONG

from wirespeed import WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")

MESSAGES = [str(number) for number in range(200)]


async def _one_by_one(stream: AsyncIterator[Any], count: int) -> list[Any]:
    return [await anext(stream) for _ in range(count)]


async def _batches(client: WebSocketConnection) -> list[Any]:
    received: list[Any] = []
    async for batch in client.batches():
        received += batch
        if len(received) == len(MESSAGES):
            break
    return received


WAYS: dict[str, Callable[[WebSocketConnection], Awaitable[list[Any]]]] = {
    "iteration": lambda client: _one_by_one(aiter(client), len(MESSAGES)),
    "batches": _batches,
}


@pytest.mark.parametrize("way", WAYS)
async def test_all_arrives_in_order(way: str, tls: Tls) -> None:
    async with both_ends(server_ssl=tls.server, ssl=tls.client, batch_window=0.001) as ends:
        client, server = ends

        async def feed() -> None:
            for message in MESSAGES:
                await server.write(text_frame(message))
                await asyncio.sleep(0)

        feeding = asyncio.create_task(feed())
        assert await WAYS[way](client) == MESSAGES
        await feeding


async def test_a_large_message_between_small_ones(tls: Tls) -> None:
    large = "x" * 3_000_000
    async with both_ends(server_ssl=tls.server, ssl=tls.client, batch_window=0.001) as ends:
        client, server = ends
        sending = asyncio.create_task(
            server.write(text_frame("a") + text_frame(large) + text_frame("b"))
        )
        assert [await client.receive_text() for _ in range(3)] == ["a", large, "b"]
        await sending


async def test_pings_are_answered(tls: Tls) -> None:
    async with both_ends(server_ssl=tls.server, ssl=tls.client, batch_window=0.001) as ends:
        _, server = ends
        for payload in (b"1", b"2", b"3"):
            await server.write(ping_frame(payload))
            frame = await server.read_frame()
            assert (frame.opcode, frame.payload) == (PONG, payload)
