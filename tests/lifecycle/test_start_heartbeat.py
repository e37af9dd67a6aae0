"""Heartbeats that are started, replaced and stopped on an open connection."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from connections import make_connection
from ends import both_ends, intervals, pong_frame, text_frame, turns
from rawserver import CLOSE, PING, RawConnection

from wirespeed import CloseCause, ConnectionDisconnected, Heartbeat

pytestmark = pytest.mark.usefixtures("transports")

SHORT = 0.01
LONG = 3600.0


def beat(payload: Any, interval: float = SHORT, **options: Any) -> Heartbeat:
    return Heartbeat(interval=interval, payload=payload, only_in_silence=False, **options)


async def payloads(server: RawConnection, count: int) -> list[bytes]:
    return [(await server.read_frame()).payload for _ in range(count)]


async def texts_between_pings(server: RawConnection, pings: int) -> list[bytes]:
    """Return the messages until so many Pings have been answered; these serve as a clock."""
    texts: list[bytes] = []
    while pings:
        frame = await server.read_frame()
        if frame.opcode == PING:
            pings -= 1
            await server.write(pong_frame(frame.payload))
        else:
            texts.append(frame.payload)
    return texts


async def test_it_starts_at_the_interval_that_the_server_announces() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame(f'{{"interval": {SHORT}}}'))
        hello = await client.receive_json()
        client.start_heartbeat(beat("beat", hello["interval"]))
        assert await payloads(server, 3) == [b"beat"] * 3


async def test_it_replaces_the_one_before() -> None:
    async with both_ends(heartbeat=beat("first")) as (client, server):
        assert await payloads(server, 1) == [b"first"]
        client.start_heartbeat(beat("second"))
        client.start_heartbeat(beat("third"))
        seen = await payloads(server, 3)
        # One of the first may be on its way.
        assert seen[1:] == [b"third"] * 2
        assert b"second" not in seen


async def test_a_replaced_one_waits_for_no_answer() -> None:
    first = beat("first", timeout=0.1, is_answer=lambda data: False)
    async with both_ends(heartbeat=first) as (client, server):
        assert await payloads(server, 1) == [b"first"]
        client.start_heartbeat(beat("second", LONG))
        await server.write(text_frame("no answer"))
        assert await client.receive_text() == "no answer"
        await intervals(4, 0.1)
        assert not client.closed


async def test_its_answer_is_expected() -> None:
    async with both_ends() as (client, server):
        client.start_heartbeat(beat("beat", timeout=SHORT))
        assert await payloads(server, 1) == [b"beat"]
        with pytest.raises(ConnectionDisconnected) as ended:
            await client.receive()
        assert ended.value.info is not None
        assert ended.value.info.cause is CloseCause.HEARTBEAT_TIMEOUT


@pytest.mark.parametrize("twice", [False, True])
async def test_it_stops(twice: bool) -> None:
    async with both_ends(ping_interval=SHORT) as (client, server):
        client.start_heartbeat(beat("beat"))
        while not await texts_between_pings(server, 1):
            pass
        client.stop_heartbeat()
        if twice:
            client.stop_heartbeat()
        # What was sent before may still be on its way.
        await texts_between_pings(server, 2)
        assert await texts_between_pings(server, 5) == []


@pytest.mark.parametrize("other", [None, "other"])
async def test_its_own_functions_may_stop_or_replace_it(other: str | None) -> None:
    changed = asyncio.Event()

    def change(*_: object) -> str:
        if other is None:
            client.stop_heartbeat()
        else:
            client.start_heartbeat(beat(other))
        changed.set()
        return "not sent"

    async with both_ends(ping_interval=SHORT) as (client, server):
        client.start_heartbeat(beat(change, timeout=SHORT))
        await changed.wait()
        texts = set(await texts_between_pings(server, 8))
        assert texts <= (set() if other is None else {b"other"})
        changed.clear()
        client.start_heartbeat(beat("beat", timeout=LONG, is_answer=change))
        while b"beat" not in await texts_between_pings(server, 1):
            pass
        await server.write(text_frame("1") + text_frame("2"))
        assert [await client.receive_text() for _ in range(2)] == ["1", "2"]
        assert changed.is_set()


async def test_it_ends_with_the_connection() -> None:
    async with both_ends() as (client, server):
        client.start_heartbeat(beat("beat"))
        closing = asyncio.create_task(client.close())
        while (await server.read_frame()).opcode != CLOSE:
            pass
        with pytest.raises(ConnectionDisconnected):
            client.start_heartbeat(beat("beat"))
        client.stop_heartbeat()
        await server.end(abort=False)
        await closing


async def test_before_the_connection_is_open() -> None:
    with pytest.raises((RuntimeError, ConnectionDisconnected)):
        make_connection().start_heartbeat(beat("beat"))


@pytest.mark.parametrize("wrong", [None, 30, {"interval": 30}, Heartbeat])
async def test_only_a_heartbeat_will_do(wrong: Any) -> None:
    async with both_ends() as (client, _):
        with pytest.raises(TypeError, match="heartbeat must be a Heartbeat, not"):
            client.start_heartbeat(wrong)


async def test_another_thread_is_refused() -> None:
    async with both_ends() as (client, _):
        errors: list[Exception] = []

        def call() -> None:
            for function, arguments in (
                (client.start_heartbeat, [beat("x")]),
                (client.stop_heartbeat, []),
            ):
                try:
                    function(*arguments)
                except RuntimeError as exc:
                    errors.append(exc)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        await turns()
        assert len(errors) == 2
