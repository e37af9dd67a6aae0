"""Two lanes: a receive that waits for text does not wait for binary messages to be taken.

The model tests check the contents. These tests check which receive is served, and when.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from channel.scripted import Wire, binary, cancelled, close, in_callback, seen_after, text, turns

import wirespeed


def lanes(**options: Any) -> Wire:
    return Wire(**{"text_queue_maxsize": 100, **options})


async def test_each_type_is_received_whatever_came_before() -> None:
    wire = lanes()
    wire.feed(binary(b"1") + text("2") + binary(b"3") + text("4"))
    assert [await wire.connection.receive_text() for _ in range(2)] == ["2", "4"]
    assert [await wire.connection.receive_bytes() for _ in range(2)] == [b"1", b"3"]


async def test_all_other_receives_keep_the_order_of_arrival() -> None:
    wire = lanes(loads=lambda data: ["json", data])
    frames = b"".join(text(str(number)) + binary(b"%d" % number) for number in range(6))
    ws = wire.connection
    wire.feed(frames)
    assert (await ws.receive()).data == "0"
    assert ws.receive_nowait().data == b"0"
    assert await ws.receive_json() == ["json", "1"]
    assert await anext(aiter(ws)) == b"1"
    assert await ws.receive_many(3) == ["2", b"2", "3"]
    assert await anext(ws.batches()) == [b"3", "4", b"4", "5", b"5"]


@pytest.mark.parametrize("decode_text", [True, False])
async def test_undecoded_text_has_its_lane(decode_text: bool) -> None:
    wire = lanes(decode_text=decode_text, loads=json.loads)
    wire.feed(binary(b"[1]") + text("[2]") + text("[3]"))
    assert await wire.connection.receive_text() == ("[2]" if decode_text else b"[2]")
    assert await wire.connection.receive_bytes() == b"[1]"
    assert await wire.connection.receive_json() == [3]


async def test_the_receivers_wait_independently() -> None:
    wire = lanes()
    ws = wire.connection
    got_text = asyncio.create_task(ws.receive_text())
    got_bytes = asyncio.create_task(ws.receive_bytes())
    await turns()
    await in_callback(lambda: wire.feed(binary(b"1")))
    await turns()
    assert got_bytes.done()
    assert not got_text.done()
    await in_callback(lambda: wire.feed(text("2")))
    assert await got_text == "2"
    assert await got_bytes == b"1"


async def test_a_receiver_is_woken_in_place() -> None:
    wire = lanes()
    received: list[Any] = []

    async def consume() -> None:
        while True:
            received.append(await wire.connection.receive_text())

    task = asyncio.create_task(consume())
    await turns()
    feed = binary(b"0") + text("1", "2")
    assert await seen_after(lambda: wire.feed(feed), lambda: list(received)) == ["1", "2"]
    await cancelled(task)


async def test_first_come_first_served_within_what_each_can_take() -> None:
    wire = lanes()
    ws = wire.connection
    order: list[Coroutine[Any, Any, Any]] = [
        ws.receive_text(),
        ws.receive_many(),
        ws.receive_bytes(),
        ws.receive_text(),
        ws.receive(),
    ]
    tasks = [asyncio.create_task(receive) for receive in order]
    await turns()
    wire.feed(binary(b"1", b"2") + text("3", "4"))
    await turns()
    assert [task.result() for task in tasks[:4]] == ["3", [b"1"], b"2", "4"]
    assert not tasks[4].done()
    wire.feed(binary(b"5"))
    assert (await tasks[4]).data == b"5"


async def test_a_cancelled_receive_gives_its_message_back_in_order() -> None:
    wire = lanes()
    ws = wire.connection
    first = asyncio.create_task(ws.receive_text())
    await turns()
    wire.feed(text("1", "2"))
    first.cancel()
    late = asyncio.create_task(ws.receive_text())
    assert await late == "1"
    assert first.cancelled()
    assert await ws.receive_text() == "2"


async def test_the_next_gets_what_a_cancelled_receive_gave_back() -> None:
    wire = lanes()
    ws = wire.connection
    tasks = [asyncio.create_task(ws.receive_text()) for _ in range(3)]
    await turns()
    wire.feed(text("1", "2"))
    tasks[0].cancel()
    await turns()
    assert [task.result() for task in tasks[1:]] == ["1", "2"]


@pytest.mark.parametrize("seconds", [0, 0.001])
async def test_a_receive_times_out_though_the_other_lane_is_full(seconds: float) -> None:
    wire = lanes()
    wire.feed(binary(b"1"))
    with pytest.raises(wirespeed.ReadTimeout):
        await wire.connection.receive_text(timeout=seconds)
    assert await wire.connection.receive_bytes(timeout=seconds) == b"1"


async def test_at_the_end_each_lane_is_emptied_first() -> None:
    wire = lanes()
    ws = wire.connection
    waiting = asyncio.create_task(ws.receive_text())
    await turns()
    wire.feed(binary(b"1") + close())
    wire.lose()
    # No text will come, whatever is in the other lane.
    with pytest.raises(wirespeed.ConnectionDisconnected):
        await waiting
    assert await ws.receive_bytes() == b"1"
    with pytest.raises(wirespeed.ConnectionDisconnected):
        await ws.receive_bytes()
    assert [message async for message in ws] == []


async def test_one_full_lane_holds_reading_back() -> None:
    wire = Wire(text_queue_maxsize=2, binary_queue_maxsize=4)
    ws = wire.connection
    wire.feed(text("1", "2") + binary(*[b"x"] * 4))
    assert wire.transport.pauses == 0
    wire.feed(text("3"))
    assert wire.transport.pauses == 1
    for _ in range(4):
        await ws.receive_bytes()
    assert wire.transport.resumes == 0
    await ws.receive_text()
    await ws.receive_text()
    assert wire.transport.resumes == 1


async def test_reading_resumes_when_both_lanes_have_room() -> None:
    wire = Wire(text_queue_maxsize=2, binary_queue_maxsize=2)
    wire.feed(text("1", "2", "3") + binary(b"1", b"2", b"3"))
    assert wire.transport.pauses == 1
    for _ in range(3):
        await wire.connection.receive_text()
    assert wire.transport.resumes == 0
    for _ in range(2):
        await wire.connection.receive_bytes()
    assert wire.transport.resumes == 1


async def test_a_lane_without_a_bound_of_its_own_has_max_queue() -> None:
    wire = Wire(text_queue_maxsize=1, max_queue=3, overflow="drop_newest")
    wire.feed(text("1", "2") + binary(b"1", b"2", b"3", b"4"))
    assert wire.connection.pending.messages == 4
    assert wire.connection.dropped == (2, 2)


async def test_a_full_lane_drops_its_own_messages_only() -> None:
    wire = Wire(text_queue_maxsize=2, binary_queue_maxsize=2, overflow="drop_oldest")
    wire.feed(text("1") + binary(b"1"))
    wire.feed(text("2", "3", "4"))
    assert await wire.connection.receive_many() == [b"1", "3", "4"]


async def test_closing_keeps_what_each_lane_has() -> None:
    wire = Wire(text_queue_maxsize=1, binary_queue_maxsize=3)
    wire.feed(text("1", "2") + binary(b"1"))
    closing = asyncio.create_task(wire.connection.close())
    await turns()
    assert wire.transport.pauses == wire.transport.resumes == 1
    wire.feed(text("3") + binary(b"2"))
    wire.feed(close())
    wire.lose()
    await closing
    assert [message async for message in wire.connection] == ["1", "2", b"1", b"2"]
    assert wire.connection.dropped == (1, 1)


async def test_resumed_reading_reads_at_once() -> None:
    """The read happens in the same step that takes a message for a waiting receive."""
    wire = Wire(text_queue_maxsize=1, binary_queue_maxsize=1)
    ws = wire.connection
    wire.transport.on_resume_reading = lambda: wire.feed(text("4"))
    wire.feed(text("1", "2"))
    assert await ws.receive_text() == "1"
    waiting = [asyncio.create_task(ws.receive_text()) for _ in range(3)]
    assert await asyncio.gather(*waiting[:1]) == ["2"]
    assert await waiting[1] == "4"
    await cancelled(waiting[2])
