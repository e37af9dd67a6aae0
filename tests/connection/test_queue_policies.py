"""A server floods a slow consumer: the result of each policy of the queue.

The tests see what the client dropped by what is missing.
"""

from __future__ import annotations

import asyncio

import pytest
from ends import both_ends, close_frame, ping_frame, text_frame, turns, until_idle
from rawserver import PONG, RawConnection

import wirespeed

pytestmark = pytest.mark.usefixtures("transports")

ROUNDS = 20
BURST = 500
TEXTS = [str(number) for number in range(ROUNDS * BURST)]
BOUND = 10


async def flood(server: RawConnection) -> None:
    """Send bursts that no task receives, and wait for the answer to a Ping after each."""
    for number in range(ROUNDS):
        burst = TEXTS[number * BURST : (number + 1) * BURST]
        payload = b"%d" % number
        await server.write(b"".join(map(text_frame, burst)) + ping_frame(payload))
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, payload)


@pytest.mark.parametrize(
    ("overflow", "kept"), [("drop_oldest", TEXTS[-BOUND:]), ("drop_newest", TEXTS[:BOUND])]
)
async def test_dropping_keeps_the_pings_answered(overflow: str, kept: list[str]) -> None:
    dropped: list[wirespeed.Message] = []
    async with both_ends(max_queue=BOUND, overflow=overflow, on_drop=dropped.append) as (
        client,
        server,
    ):
        await flood(server)
        assert client.pending.messages == BOUND
        assert await client.receive_many() == kept
        assert client.dropped.messages == len(TEXTS) - BOUND
        assert sorted([*kept, *(str(message.data) for message in dropped)], key=int) == TEXTS
        await server.write(text_frame("more"))
        assert await client.receive_text() == "more"


async def test_conflating_keeps_the_newest_of_each_key() -> None:
    async with both_ends(conflate=lambda message: int(message.data) % 7) as (client, server):
        await flood(server)
        received = await client.receive_many()
        newest = {int(data) % 7: data for data in TEXTS}
        assert received == [newest[key] for key in range(7)]
        assert client.dropped.messages == len(TEXTS) - 7


async def test_closing_tells_both_ends() -> None:
    async with both_ends(max_queue=BOUND, overflow="close") as (client, server):
        await server.write(b"".join(map(text_frame, TEXTS)))
        code, reason = await server.expect_close()
        assert code == 1008
        assert "(max_queue)" in reason
        await server.write(close_frame(1008))
        received: list[str] = []
        with pytest.raises(wirespeed.QueueOverflow):
            while True:
                received.append(await client.receive_text())
        assert len(received) > BOUND
        assert received == TEXTS[: len(received)]


async def test_a_full_lane_of_a_slow_consumer_drops_nothing_of_the_other() -> None:
    async with both_ends(
        binary_queue_maxsize=BOUND, text_queue_maxsize=None, max_queue=None, overflow="drop_oldest"
    ) as (client, server):
        received: list[str] = []

        async def take_text() -> None:
            while len(received) < len(TEXTS):
                received.append(await client.receive_text())

        taking = asyncio.create_task(take_text())
        for number in range(ROUNDS):
            burst = TEXTS[number * BURST : (number + 1) * BURST]
            frames = (text_frame(data) + b"\x82\x01x" for data in burst)
            await server.write(b"".join(frames))
        await taking
        await until_idle(lambda: client.dropped)
        assert received == TEXTS
        assert await client.receive_many() == [b"x"] * BOUND
        assert client.dropped.messages == len(TEXTS) - BOUND


async def test_with_pause_a_full_lane_holds_both_back() -> None:
    async with both_ends(text_queue_maxsize=BOUND) as (client, server):
        count = 200_000
        writing = asyncio.create_task(
            server.write(text_frame("x" * 100) * count + b"\x82\x01y" + close_frame())
        )
        waiting = asyncio.create_task(client.receive_bytes())
        await until_idle(lambda: client.pending)
        assert not waiting.done()
        assert client.pending.messages < count
        for _ in range(count):
            await client.receive_text()
        assert await waiting == b"y"
        await writing
        await turns()
