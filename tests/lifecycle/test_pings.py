"""Pings and aborts at moments that only a scripted transport can produce.

Does not depend on time: no timer ends here.
"""

from __future__ import annotations

import asyncio

import pytest
from channel.scripted import Wire, cancelled, client_frames, close, in_callback, pong, text, turns
from rawserver import CLOSE, PING

from wirespeed import CloseCause, ConnectionDisconnected
from wirespeed._lifecycle.closing import closing_of
from wirespeed._lifecycle.pings import MANY_PINGS


async def test_a_ping_that_is_cancelled_while_it_waits_for_room_is_sent() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    pinging = asyncio.create_task(wire.connection.ping(b"1"))
    await turns()
    assert not pinging.done()
    await cancelled(pinging)
    wire.protocol.resume_writing()
    assert client_frames(wire.written()) == [(PING, b"1")]
    answer = await wire.connection.ping(b"2")
    wire.feed(pong(b"1"))
    assert not answer.done()
    wire.feed(pong(b"2"))
    assert await answer >= 0
    assert [await wire.connection.receive_pong() for _ in range(2)] == [b"1", b"2"]
    wire.lose()


async def test_a_pong_answers_the_pings_before_it() -> None:
    wire = Wire()
    answers = [await wire.connection.ping(payload) for payload in (b"1", b"2", b"3")]
    wire.feed(pong(b"2"))
    assert [answer.done() for answer in answers] == [True, True, False]
    assert wire.connection.latency is not None
    assert wire.connection.latency.last == await answers[1]
    wire.lose()
    with pytest.raises(ConnectionDisconnected):
        await answers[2]


async def test_a_keep_alive_that_is_due_while_the_transport_is_full() -> None:
    wire = Wire(ping_interval=3600)
    keep_alive = closing_of(wire.connection).watch._keep_alive
    assert keep_alive is not None
    wire.protocol.pause_writing()
    for _ in range(100):
        keep_alive._ask()
        keep_alive.stop()
    wire.protocol.resume_writing()
    # Pings do not gather while the transport is full.
    assert wire.written() == b""
    keep_alive._ask()
    assert [opcode for opcode, _ in client_frames(wire.written())] == [PING]
    wire.lose()


@pytest.mark.parametrize("in_wake", [True, False])
async def test_aborting_inside_a_read(in_wake: bool) -> None:
    wire = Wire()
    received: list[str | bytes] = []

    async def consume() -> None:
        async for message in wire.connection:
            received.append(message)
            wire.connection.abort()

    consuming = asyncio.create_task(consume())
    await turns()
    if in_wake:
        await in_callback(lambda: wire.feed(text("1", "2") + close(1001)))
    else:
        wire.feed(text("1", "2") + close(1001))
    # The Close frame was already parsed, so it counts and is answered.
    await consuming
    assert received == ["1", "2"]
    assert [opcode for opcode, _ in client_frames(wire.written())] == [CLOSE]
    assert wire.transport.closing
    wire.lose()
    assert wire.connection.close_info is not None
    assert wire.connection.close_info.cause is CloseCause.PEER_CLOSE


async def test_giving_up_after_a_close_frame_that_waits_for_its_consumer() -> None:
    wire = Wire()
    wire.feed(text("1") + close(1001))
    closing_of(wire.connection).give_up(CloseCause.PING_TIMEOUT, "too late")
    assert wire.connection.close_code == 1001
    assert client_frames(wire.written()) == [(CLOSE, b"\x03\xe9")]
    wire.lose()


async def test_pings_that_were_given_up_are_forgotten() -> None:
    wire = Wire()
    kept = await wire.connection.ping(b"kept")
    for number in range(20 * MANY_PINGS):
        answer = await wire.connection.ping(b"%d" % number)
        answer.cancel()
    pings = closing_of(wire.connection).watch.pings()
    assert len(pings._pending) <= MANY_PINGS
    wire.feed(pong(b"kept"))
    assert await kept >= 0
    wire.lose()


async def test_no_ping_that_is_waited_for_is_forgotten() -> None:
    wire = Wire()
    answers = [await wire.connection.ping(b"%d" % number) for number in range(5 * MANY_PINGS)]
    wire.feed(pong(b"%d" % (len(answers) - 1)))
    assert all(answer.done() and answer.result() >= 0 for answer in answers)
    wire.lose()
