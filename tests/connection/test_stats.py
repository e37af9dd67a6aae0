"""The counters of a connection against the bytes on the wire, recorded by a relay in between."""

from __future__ import annotations

from typing import Any

import pytest
from ends import turns
from rawserver import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from servers import SERVERS, Behaviour, ServerFactory, websockets_server
from tap import Frame, Tap, after_opening, frames_in, tapped

import wirespeed
from wirespeed import Stats

pytestmark = pytest.mark.usefixtures("transports")

SIZES = (0, 1, 125, 126, 65_535, 65_536, 300_000)
# RFC 6455 section 5.2: the header length for each of these sizes, without a masking key.
HEADERS = (2, 2, 2, 4, 4, 10, 10)
KEY_BYTES = 4
TICK = '{"symbol": "BTCUSD", "bid": 67012.25, "ask": 67012.5, "venues": ["a", "b", "c"]}' * 4


@pytest.fixture(params=["websockets", "aiohttp"])
def serve(request: pytest.FixtureRequest) -> ServerFactory:
    """Return the function that starts a server of one package."""
    return SERVERS[request.param]


def messages(frames: list[Frame]) -> int:
    """Count the messages in these frames."""
    return sum(frame.fin and frame.opcode in (TEXT, BINARY, CONTINUATION) for frame in frames)


def count(frames: list[Frame], opcode: int) -> int:
    """Count the frames of one kind."""
    return sum(frame.opcode == opcode for frame in frames)


def check(stats: Stats, tap: Tap) -> tuple[list[Frame], list[Frame]]:
    """Compare the counters of a closed connection with the wire; return the frames of both ends."""
    sent, received = after_opening(tap.from_client), after_opening(tap.from_server)
    ours, theirs = frames_in(sent), frames_in(received)
    assert (stats.wire_bytes_sent, stats.wire_bytes_received) == (len(sent), len(received))
    assert (stats.frames_sent, stats.frames_received) == (len(ours), len(theirs))
    assert (stats.messages_sent, stats.messages_received) == (messages(ours), messages(theirs))
    assert stats.payload_bytes_sent == sum(frame.payload_bytes for frame in ours)
    assert stats.payload_bytes_received == sum(frame.payload_bytes for frame in theirs)
    assert (stats.pings_sent, stats.pongs_sent) == (count(ours, PING), count(ours, PONG))
    assert (stats.pings_received, stats.pongs_received) == (
        count(theirs, PING),
        count(theirs, PONG),
    )
    assert (count(ours, CLOSE), count(theirs, CLOSE)) == (1, 1)
    assert stats.last_received_at is not None
    assert stats.last_sent_at is not None
    return ours, theirs


async def test_messages_of_every_size(serve: ServerFactory) -> None:
    burst: list[str | bytes] = [data for size in SIZES for data in ("x" * size, b"y" * size)]
    async with (
        serve(Behaviour(burst=burst)) as server,
        tapped(server.url) as tap,
        wirespeed.connect(tap.url, ping_interval=None) as ws,
    ):
        assert [(await ws.receive()).data for _ in burst] == burst
        for data in burst:
            await ws.send(data)
            assert (await ws.receive()).data == data
    stats = ws.stats
    check(stats, tap)
    # The Close frame of each side has only a code.
    close_bytes = 2 + 2
    one_way = 2 * (sum(SIZES) + sum(HEADERS))
    assert stats.messages_sent == len(burst)
    assert stats.messages_received == 2 * len(burst)
    assert stats.payload_bytes_sent == 2 * sum(SIZES) + 2
    assert stats.payload_bytes_received == 4 * sum(SIZES) + 2
    assert stats.wire_bytes_sent == one_way + close_bytes + (len(burst) + 1) * KEY_BYTES
    assert stats.wire_bytes_received == 2 * one_way + close_bytes
    assert (stats.queue_depth, stats.messages_dropped, stats.pauses) == (0, 0, 0)


async def test_fragments() -> None:
    parts = ["ab", "", "c" * 200]
    async with (
        websockets_server(Behaviour(fragments=parts)) as server,
        tapped(server.url) as tap,
        wirespeed.connect(tap.url, ping_interval=None) as ws,
    ):
        assert await ws.receive_text() == "".join(parts)
        await ws.send(parts)
        assert await ws.receive_text() == "".join(parts)
        await ws.send([b"1" * 70_000, b"2"])
        assert await ws.receive_bytes() == b"1" * 70_000 + b"2"
    ours, theirs = check(ws.stats, tap)
    assert [frame.opcode for frame in ours] == [
        *(TEXT, CONTINUATION, CONTINUATION),
        *(BINARY, CONTINUATION, CLOSE),
    ]
    assert count(theirs, CONTINUATION) >= 2
    assert (ws.stats.messages_sent, ws.stats.messages_received) == (2, 3)


async def test_pings_of_both(serve: ServerFactory) -> None:
    pings = [b"", b"theirs", b"x" * 125]
    async with (
        serve(Behaviour(pings=pings)) as server,
        tapped(server.url) as tap,
        wirespeed.connect(tap.url, ping_interval=None) as ws,
    ):
        for payload in (b"ours", b"y" * 125):
            assert await (await ws.ping(payload)) > 0
        await ws.send("after all of them")
        assert await ws.receive_text() == "after all of them"
    stats = ws.stats
    check(stats, tap)
    assert (stats.pings_sent, stats.pongs_received) == (2, 2)
    assert stats.pings_received == len(pings)
    assert 1 <= stats.pongs_sent <= len(pings)
    assert stats.latency is not None


async def test_compressed_messages(serve: ServerFactory) -> None:
    behaviour = Behaviour(compression=True, burst=[TICK] * 10)
    async with (
        serve(behaviour) as server,
        tapped(server.url) as tap,
        wirespeed.connect(tap.url, ping_interval=None, compression="deflate") as ws,
    ):
        assert ws.compression is not None
        assert [await ws.receive_text() for _ in range(10)] == [TICK] * 10
        both: list[Any] = [TICK, TICK.encode()]
        for data in both:
            await ws.send(data)
            await ws.send(data, compress=False)
            await ws.send([data[:100], data[100:]])
            assert [(await ws.receive()).data for _ in range(3)] == [data] * 3
    stats = ws.stats
    ours, theirs = check(stats, tap)
    assert (stats.messages_sent, stats.messages_received) == (6, 16)
    assert any(frame.is_compressed for frame in ours)
    assert any(frame.is_compressed for frame in theirs)
    # The payload is counted in the compressed form.
    assert stats.payload_bytes_sent < 6 * len(TICK)
    assert stats.payload_bytes_received < 16 * len(TICK)


async def test_a_queue_that_pauses(serve: ServerFactory) -> None:
    burst = [f"{number}".rjust(5000) for number in range(1000)]
    async with (
        serve(Behaviour(burst=burst)) as server,
        tapped(server.url) as tap,
        wirespeed.connect(tap.url, ping_interval=None, max_queue=10) as ws,
    ):
        while not ws.stats.pauses:
            await turns()
        # More messages are on their way, but none of them is read.
        held = ws.stats
        assert held.pauses == 1
        assert held.queue_depth == held.messages_received < len(burst)
        assert [await ws.receive_text() for _ in burst] == burst
    stats = ws.stats
    check(stats, tap)
    assert stats.messages_received == len(burst)
    assert stats.seconds_paused > 0
    assert stats.pauses >= held.pauses
    assert stats.max_queue_depth >= held.queue_depth
    assert (stats.messages_dropped, stats.queue_depth) == (0, 0)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest"])
@pytest.mark.parametrize("lanes", [{}, {"text_queue_maxsize": 10}], ids=["queue", "lanes"])
async def test_a_queue_that_drops(
    serve: ServerFactory, overflow: str, lanes: dict[str, Any]
) -> None:
    burst = [f"{number}".rjust(100) for number in range(1000)]
    options: dict[str, Any] = {"max_queue": 10, "overflow": overflow, **lanes}
    async with (
        serve(Behaviour(burst=burst)) as server,
        tapped(server.url) as tap,
        wirespeed.connect(tap.url, ping_interval=None, **options) as ws,
    ):
        while ws.stats.messages_received < len(burst):
            await turns()
        left = await ws.receive_many()
    stats = ws.stats
    check(stats, tap)
    assert left == (burst[-10:] if overflow == "drop_oldest" else burst[:10])
    assert (stats.messages_received, stats.messages_dropped) == (len(burst), len(burst) - 10)
    assert stats.bytes_dropped == 100 * stats.messages_dropped
    assert (stats.pauses, stats.max_queue_depth) == (0, 10)
