"""Silent feeds and heartbeats: what counts as a message, and which connections are failed.

Does not measure time: intervals are short, and the tests await their effect.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from channel.scripted import Wire
from ends import (
    Tls,
    binary_frame,
    both_ends,
    collect,
    deliver,
    intervals,
    ping_frame,
    pong_frame,
    text_frame,
    turns,
)
from rawserver import BINARY, CLOSE, PING, TEXT, RawConnection

import wirespeed
from wirespeed import CloseCause, ConnectionDisconnected, Heartbeat, IdleTimeout
from wirespeed._lifecycle.closing import closing_of

pytestmark = pytest.mark.usefixtures("transports")

SHORT = 0.03
LONG = 3600.0


async def read_pings(server: RawConnection, count: int) -> None:
    """Read Pings, which serve as a clock."""
    for _ in range(count):
        assert (await server.read_frame()).opcode == PING


# -- no messages -------------------------------------------------------------------------


async def test_a_feed_without_messages_is_given_up(tls: Tls) -> None:
    async with both_ends(idle_timeout=SHORT, server_ssl=tls.server, ssl=tls.client) as (
        client,
        server,
    ):
        iterating = asyncio.create_task(collect(client))
        frame = await server.read_frame()
        reason = f"no message within idle_timeout ({SHORT:g} seconds)"
        assert (frame.opcode, frame.payload) == (CLOSE, b"\x03\xf3" + reason.encode())
        assert await server.read_rest() == b""
        for receive in (lambda: iterating, client.receive, lambda: client.send("x")):
            with pytest.raises(IdleTimeout, match="no message within idle_timeout") as caught:
                await receive()
            assert caught.value.sent == (1011, reason)
            assert caught.value.info is not None
            assert caught.value.info.cause is CloseCause.IDLE_TIMEOUT
        await client.wait_closed()


async def test_pings_and_pongs_are_no_messages() -> None:
    async with both_ends(idle_timeout=SHORT, ping_interval=SHORT / 8) as (client, server):
        while (frame := await server.read_frame()).opcode != CLOSE:
            if frame.opcode == PING:
                await server.write(pong_frame(frame.payload) + ping_frame(b""))
        with pytest.raises(IdleTimeout):
            await client.receive()


async def test_messages_start_the_time_anew() -> None:
    async with both_ends(idle_timeout=0.08, ping_interval=0.02) as (client, server):
        for number in range(8):
            await read_pings(server, 1)
            await server.write(text_frame(str(number)))
        assert not client.closed
        received: list[str | bytes] = []
        with pytest.raises(IdleTimeout):
            await collect(client, received)
        assert received == [str(number) for number in range(8)]


async def test_a_slow_consumer_is_no_silence() -> None:
    async with both_ends(idle_timeout=SHORT, max_queue=1) as (client, server):
        await server.write(text_frame("1") + text_frame("2"))
        await intervals(5, SHORT)
        assert not client.closed
        assert [await client.receive_text() for _ in range(2)] == ["1", "2"]
        with pytest.raises(IdleTimeout):
            await client.receive()


# -- heartbeats --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "opcode", "sent"),
    [
        ("ping", TEXT, b"ping"),
        (b"ping", BINARY, b"ping"),
        (lambda: json.dumps({"op": "ping"}), TEXT, b'{"op": "ping"}'),
        (bytearray(b"ping"), BINARY, b"ping"),
    ],
    ids=["str", "bytes", "function", "bytearray"],
)
@pytest.mark.parametrize("only_in_silence", [True, False])
async def test_heartbeats_are_sent(
    payload: Any, opcode: int, sent: bytes, only_in_silence: bool
) -> None:
    beat = Heartbeat(interval=0.01, payload=payload, only_in_silence=only_in_silence)
    async with both_ends(heartbeat=beat) as (client, server):
        for _ in range(3):
            frame = await server.read_frame()
            assert (frame.opcode, frame.payload) == (opcode, sent)
        assert not client.closed


async def test_messages_spare_heartbeats() -> None:
    beat = Heartbeat(interval=0.1, payload="beat", timeout=SHORT)
    async with both_ends(heartbeat=beat, ping_interval=0.01) as (client, server):
        for _ in range(20):
            await read_pings(server, 1)
            await server.write(text_frame("tick"))
        while (frame := await server.read_frame()).opcode == PING:
            pass
        assert frame.payload == b"beat"
        await server.write(text_frame("tock"))
        assert [await client.receive_text() for _ in range(20)] == ["tick"] * 20
        assert await client.receive_text() == "tock"


async def test_messages_do_not_spare_heartbeats_that_are_wanted() -> None:
    beat = Heartbeat(interval=0.01, payload="beat", timeout=0.01, only_in_silence=False)
    async with both_ends(heartbeat=beat) as (client, server):
        for number in range(10):
            assert (await server.read_frame()).payload == b"beat"
            await server.write(text_frame(str(number)))
        assert [await client.receive_text() for _ in range(10)] == list("0123456789")


@pytest.mark.parametrize("is_answer", [None, lambda data: data == "pong"])
async def test_a_heartbeat_without_an_answer(is_answer: Any) -> None:
    beat = Heartbeat(interval=0.01, payload="ping", timeout=SHORT, is_answer=is_answer)
    async with both_ends(heartbeat=beat, ping_interval=0.005) as (client, server):
        while (frame := await server.read_frame()).payload != b"ping":
            await server.write(pong_frame(frame.payload))
        await server.write(b"" if is_answer is None else text_frame("not the answer"))
        while (frame := await server.read_frame()).opcode != CLOSE:
            await server.write(pong_frame(frame.payload))
        reason = f"no answer to the heartbeat within {SHORT:g} seconds"
        assert frame.payload == b"\x03\xf3" + reason.encode()
        received: list[str | bytes] = []
        with pytest.raises(ConnectionDisconnected, match="no answer to the heartbeat") as caught:
            await collect(client, received)
        assert received == ([] if is_answer is None else ["not the answer"])
        assert caught.value.info is not None
        assert caught.value.info.cause is CloseCause.HEARTBEAT_TIMEOUT


@pytest.mark.parametrize("decode_text", [True, False])
async def test_only_while_it_is_waited_for_messages_are_looked_at(decode_text: bool) -> None:
    seen: list[str | bytes] = []

    def is_answer(data: str | bytes) -> bool:
        seen.append(data)
        return data in {"pong", b"pong"}

    beat = Heartbeat(interval=LONG, payload="ping", timeout=LONG, is_answer=is_answer)
    async with both_ends(heartbeat=beat, decode_text=decode_text) as (client, server):
        await deliver(server, text_frame("before"))
        heart: Any = closing_of(client).watch._heart
        heart._strike()
        assert (await server.read_frame()).payload == b"ping"
        await deliver(server, b"\x82\x02no" + text_frame("pong") + text_frame("in the same read"))
        await deliver(server, text_frame("after"))
        assert seen == [b"no", "pong" if decode_text else b"pong"]
        assert len(await client.receive_many()) == 5


async def test_a_slow_consumer_does_not_miss_the_answer() -> None:
    beat = Heartbeat(interval=SHORT, payload="beat", timeout=SHORT, is_answer="pong".__eq__)
    async with both_ends(heartbeat=beat, max_queue=1) as (client, server):
        assert (await server.read_frame()).payload == b"beat"
        await server.write(text_frame("1") + text_frame("2") + text_frame("3"))
        await intervals(5, SHORT)
        assert not client.closed
        await server.write(text_frame("pong"))
        assert [await client.receive_text() for _ in range(4)] == ["1", "2", "3", "pong"]


async def test_a_message_that_there_is_no_room_for_is_not_made() -> None:
    made: list[str] = []

    def payload() -> str:
        made.append(f"beat {len(made)}")
        return made[-1]

    wire = Wire(heartbeat=Heartbeat(interval=LONG, payload=payload), ping_interval=None)
    heart: Any = closing_of(wire.connection).watch._heart
    heart._strike()
    wire.protocol.pause_writing()
    heart._strike()
    wire.protocol.resume_writing()
    heart._strike()
    await wire.connection.flush()
    assert made == ["beat 0", "beat 1"]
    assert wire.sent() == [b"beat 0", b"beat 1"]
    wire.lose()


# -- with lanes --------------------------------------------------------------------------

LANES = [
    {"text_queue_maxsize": 100},
    {"binary_queue_maxsize": 100},
    {"text_queue_maxsize": 100, "decode_text": False},
]
with_lanes = pytest.mark.parametrize("lanes", LANES, ids=["text", "binary", "undecoded"])


@with_lanes
async def test_both_lanes_without_messages_are_given_up(lanes: dict[str, Any]) -> None:
    async with both_ends(idle_timeout=SHORT, **lanes) as (client, server):
        waiting = [
            asyncio.create_task(receive())
            for receive in (client.receive_text, client.receive_bytes, client.receive)
        ]
        assert (await server.read_frame()).opcode == CLOSE
        for ended in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(ended, IdleTimeout)


@with_lanes
@pytest.mark.parametrize("frame", [text_frame("1"), binary_frame(b"1")], ids=["text", "binary"])
async def test_a_message_in_either_lane_starts_the_time_anew(
    lanes: dict[str, Any], frame: bytes
) -> None:
    async with both_ends(idle_timeout=0.08, ping_interval=0.02, **lanes) as (client, server):
        for _ in range(8):
            await read_pings(server, 1)
            await server.write(frame)
        assert not client.closed
        received: list[str | bytes] = []
        with pytest.raises(IdleTimeout):
            await collect(client, received)
        assert len(received) == 8


@pytest.mark.parametrize("full", ["text", "binary"])
async def test_one_full_lane_is_no_silence(full: str) -> None:
    options: dict[str, Any] = {"max_queue": 100, f"{full}_queue_maxsize": 1}
    frame = text_frame("1") if full == "text" else binary_frame(b"1")
    async with both_ends(idle_timeout=SHORT, **options) as (client, server):
        await server.write(frame + frame)
        await intervals(5, SHORT)
        assert not client.closed
        assert len(await client.receive_many()) == 2
        with pytest.raises(IdleTimeout):
            await client.receive()


@with_lanes
@pytest.mark.parametrize(
    "answer", [text_frame("pong"), binary_frame(b"pong")], ids=["text", "binary"]
)
async def test_the_answer_to_a_heartbeat_is_seen_in_either_lane(
    lanes: dict[str, Any], answer: bytes
) -> None:
    seen: list[bytes] = []

    def is_answer(data: str | bytes) -> bool:
        seen.append(data.encode() if isinstance(data, str) else data)
        return seen[-1] == b"pong"

    beat = Heartbeat(interval=LONG, payload="ping", timeout=LONG, is_answer=is_answer)
    async with both_ends(heartbeat=beat, **lanes) as (client, server):
        heart: Any = closing_of(client).watch._heart
        heart._strike()
        assert (await server.read_frame()).payload == b"ping"
        await deliver(server, text_frame("1") + binary_frame(b"2") + answer + text_frame("3"))
        assert seen == [b"1", b"2", b"pong"]
        heart._look()
        assert not client.closed
        assert await client.receive_bytes() == b"2"
        assert len(await client.receive_many()) == 3


@with_lanes
async def test_a_heartbeat_without_an_answer_in_any_lane(lanes: dict[str, Any]) -> None:
    beat = Heartbeat(interval=0.01, payload="ping", timeout=SHORT, is_answer=lambda data: False)
    async with both_ends(heartbeat=beat, **lanes) as (client, server):
        assert (await server.read_frame()).payload == b"ping"
        await server.write(binary_frame(b"no") + text_frame("no"))
        assert (await server.read_frame()).opcode == CLOSE
        assert await client.receive_bytes() == b"no"
        assert await client.receive_text() == ("no" if lanes.get("decode_text", True) else b"no")
        for receive in (client.receive_text, client.receive_bytes):
            with pytest.raises(ConnectionDisconnected, match="no answer to the heartbeat"):
                await receive()


async def test_functions_that_fail() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.put_nowait(str(context["exception"])))

    def fail(*_: object) -> str:
        raise LookupError("of the user")

    first = Heartbeat(interval=0.001, payload=fail)
    second = Heartbeat(interval=0.001, payload="beat", timeout=LONG, is_answer=fail)
    async with both_ends(heartbeat=first) as (client, _):
        for _ in range(3):
            assert await told.get() == "of the user"
        assert not client.closed
    while not told.empty():
        told.get_nowait()
    async with both_ends(heartbeat=second) as (client, server):
        assert (await server.read_frame()).payload == b"beat"
        await server.write(text_frame("1"))
        assert await told.get() == "of the user"
        assert await client.receive_text() == "1"
        assert not client.closed


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": 0},
        {"interval": None},
        {"timeout": -1},
        {"payload": 1},
        {"is_answer": 1},
        {"only_in_silence": 1},
    ],
    ids=str,
)
def test_heartbeats_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Heartbeat(**{"interval": 1.0, "payload": "x", **wrong})


async def test_something_else_is_no_heartbeat() -> None:
    with pytest.raises(TypeError, match="heartbeat must be a Heartbeat, not float; for"):
        await wirespeed.connect("ws://127.0.0.1:9/", heartbeat=1.0)  # type: ignore[arg-type]


async def test_nothing_is_left_when_it_ends() -> None:
    beat = Heartbeat(interval=0.001, payload="beat", timeout=LONG, is_answer=lambda data: False)
    async with both_ends(heartbeat=beat, idle_timeout=LONG) as (client, server):
        assert (await server.read_frame()).payload == b"beat"
        server.reset()
        await client.wait_closed()
        await turns(3)
        assert client._on_messages is None
