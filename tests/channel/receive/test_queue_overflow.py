"""Messages that the queue has no room for: dropped and counted, or the connection ends.

The model tests check the contents. These tests check what is visible outside the queue.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channel.scripted import (
    Wire,
    binary,
    cancelled,
    client_frames,
    close,
    collect,
    in_callback,
    ping,
    text,
    turns,
)
from rawserver import CLOSE, PONG

import wirespeed
from wirespeed import Message, MessageType, QueueOverflow

DROPPING = ["drop_oldest", "drop_newest"]


async def queued(wire: Wire) -> list[Any]:
    return await wire.connection.receive_many()


async def test_the_oldest_are_dropped() -> None:
    wire = Wire(max_queue=3, overflow="drop_oldest")
    wire.feed(text("1", "2"))
    wire.feed(text("3", "4", "5"))
    assert wire.connection.dropped == (2, 2)
    assert await queued(wire) == ["3", "4", "5"]


async def test_the_newest_are_dropped() -> None:
    wire = Wire(max_queue=3, overflow="drop_newest")
    wire.feed(text("1", "2"))
    wire.feed(text("3", "4", "5"))
    wire.feed(text("6"))
    assert wire.connection.dropped == (3, 3)
    assert await queued(wire) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("overflow", "left"), [("drop_oldest", [b"c" * 40, b"d" * 40]), ("drop_newest", [b"a" * 60])]
)
async def test_the_bound_in_bytes_drops(overflow: str, left: list[bytes]) -> None:
    wire = Wire(max_queue=None, max_queue_bytes=99, overflow=overflow)
    wire.feed(binary(b"a" * 60, b"b" * 60, b"c" * 40, b"d" * 40))
    assert await queued(wire) == left
    assert wire.connection.dropped == (4 - len(left), 200 - sum(map(len, left)))


@pytest.mark.parametrize("overflow", [*DROPPING, "close"])
async def test_a_large_message_that_is_alone_is_kept(overflow: str) -> None:
    wire = Wire(max_queue_bytes=10, overflow=overflow)
    for _ in range(3):
        wire.feed(binary(b"x" * 5000))
        assert await wire.connection.receive_bytes() == b"x" * 5000
    assert wire.connection.dropped == (0, 0)


@pytest.mark.parametrize("overflow", DROPPING)
async def test_reading_never_pauses_and_pings_are_answered(overflow: str) -> None:
    wire = Wire(max_queue=2, max_queue_bytes=10, overflow=overflow)
    for number in range(50):
        wire.feed(text("1", "2", "3", "4") + ping(b"%d" % number))
    assert wire.transport.pauses == 0
    await turns()
    frames = client_frames(wire.written())
    assert frames == [(PONG, b"%d" % number) for number in range(50)]
    assert wire.connection.dropped == (198, 198)


@pytest.mark.parametrize("overflow", DROPPING)
async def test_a_consumer_that_is_woken_in_place_loses_nothing(overflow: str) -> None:
    wire = Wire(max_queue=1, overflow=overflow)
    received: list[Any] = []
    task = asyncio.create_task(collect(wire, received))
    await turns()
    await in_callback(lambda: wire.feed(text(*map(str, range(100)))))
    assert received == list(map(str, range(100)))
    assert wire.connection.dropped == (0, 0)
    await cancelled(task)


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [("drop_oldest", ["4", "5", "6"]), ("drop_newest", ["1", "2", "3"])],
)
async def test_each_woken_receive_gets_its_message(overflow: str, expected: list[str]) -> None:
    """Inside a task no receive is resumed in place: three are promised one message each."""
    wire = Wire(max_queue=1, overflow=overflow)
    tasks = [asyncio.create_task(wire.connection.receive_text()) for _ in range(3)]
    await turns()
    wire.feed(text("1", "2", "3", "4", "5", "6"))
    assert await asyncio.gather(*tasks) == expected
    assert wire.connection.dropped == (3, 3)


@pytest.mark.parametrize("overflow", DROPPING)
async def test_the_bound_holds_when_the_end_comes_with_the_flood(overflow: str) -> None:
    wire = Wire(max_queue=2, overflow=overflow)
    wire.feed(text(*"12345") + close())
    wire.lose()
    received = [message async for message in wire.connection]
    assert received == (["4", "5"] if overflow == "drop_oldest" else ["1", "2"])


@pytest.mark.parametrize("overflow", DROPPING)
async def test_each_drop_is_told_oldest_first(overflow: str) -> None:
    told: list[Message] = []
    wire = Wire(max_queue=1, overflow=overflow, on_drop=told.append)
    wire.feed(text("1") + binary(b"2") + text("3"))
    expected = [
        Message(MessageType.TEXT, "1"),
        Message(MessageType.BINARY, b"2"),
        Message(MessageType.TEXT, "3"),
    ]
    assert told == (expected[:2] if overflow == "drop_oldest" else expected[1:])


async def test_what_on_drop_raises_is_reported() -> None:
    contexts: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
    error = ValueError("no")

    def fail(message: Message) -> None:
        raise error

    wire = Wire(max_queue=1, overflow="drop_oldest", on_drop=fail)
    wire.feed(text("1", "2", "3"))
    assert [context["exception"] for context in contexts] == [error, error]
    assert not wire.connection.closed
    assert await queued(wire) == ["3"]


async def test_on_drop_may_receive_and_close() -> None:
    taken: list[Any] = []

    def act(message: Message) -> None:
        taken.append(wire.connection.receive_nowait().data)
        tasks.append(asyncio.create_task(wire.connection.close()))

    tasks: list[asyncio.Task[None]] = []
    wire = Wire(max_queue=2, overflow="drop_oldest", on_drop=act)
    wire.feed(text("1", "2", "3"))
    assert taken == ["2"]
    await turns()
    wire.feed(close())
    wire.lose()
    await asyncio.gather(*tasks)
    assert [message async for message in wire.connection] == ["3"]


async def test_what_closing_has_no_room_for_is_counted() -> None:
    wire = Wire(max_queue=2)
    wire.feed(text("1", "2", "3"))
    closing = asyncio.create_task(wire.connection.close())
    await turns()
    wire.feed(text("4", "5"))
    assert wire.connection.dropped == (2, 2)
    wire.feed(close())
    wire.lose()
    await closing
    assert [message async for message in wire.connection] == ["1", "2", "3"]


# -- the end of the connection ---------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_queue": 2}, r"3 messages are queued, limit is 2 \(max_queue\)"),
        ({"max_queue_bytes": 2}, r"3 bytes are queued, limit is 2 \(max_queue_bytes\)"),
        ({"text_queue_maxsize": 2}, r"limit is 2 \(text_queue_maxsize\)"),
    ],
    ids=["messages", "bytes", "lane"],
)
async def test_close_ends_the_connection(options: dict[str, Any], error: str) -> None:
    wire = Wire(overflow="close", **options)
    ws = wire.connection
    wire.feed(text("1", "2"))
    assert not ws.closed
    wire.feed(text("3"))
    assert ws.closed
    assert ws.close_code == 1008
    ((opcode, payload),) = client_frames(wire.written())
    assert (opcode, payload[:2]) == (CLOSE, (1008).to_bytes(2, "big"))
    wire.feed(text("4"))
    assert [await ws.receive_text() for _ in range(3)] == ["1", "2", "3"]
    for receive in (ws.receive, ws.receive_many, ws.__aiter__().__anext__):
        with pytest.raises(QueueOverflow, match=error):
            await receive()
    with pytest.raises(QueueOverflow):
        ws.receive_nowait()
    with pytest.raises(wirespeed.ConnectionDisconnected):
        await ws.send_text("x")
    assert wire.transport.pauses == 0
    wire.lose()


async def test_a_close_frame_in_the_same_read_is_no_overflow() -> None:
    wire = Wire(max_queue=1, overflow="close")
    wire.feed(text("1", "2", "3") + close())
    wire.lose()
    assert [message async for message in wire.connection] == ["1", "2", "3"]
    assert wire.connection.close_code == 1000


# -- conflation ------------------------------------------------------------------------


def key_of(message: Message) -> str | None:
    """Return the letter before the number; `None` for digits alone."""
    return None if str(message.data).isdigit() else str(message.data)[0]


async def test_the_newest_of_each_key_in_the_place_of_the_first() -> None:
    told: list[Message] = []
    wire = Wire(conflate=key_of, on_drop=told.append)
    wire.feed(text("a1", "b1", "0", "a2"))
    wire.feed(text("c1", "b2", "0", "a3"))
    assert [message.data for message in told] == ["a1", "b1", "a2"]
    assert wire.connection.dropped == (3, 6)
    assert await queued(wire) == ["a3", "b2", "0", "c1", "0"]


async def test_what_was_received_is_not_replaced() -> None:
    wire = Wire(conflate=key_of)
    wire.feed(text("a1", "b1"))
    assert await wire.connection.receive_text() == "a1"
    wire.feed(text("a2", "b2"))
    assert await queued(wire) == ["b2", "a2"]
    wire.feed(text("a3"))
    assert await queued(wire) == ["a3"]


async def test_conflation_makes_room() -> None:
    wire = Wire(conflate=key_of, max_queue=2)
    for number in range(20):
        wire.feed(text(f"a{number}", f"b{number}"))
    assert wire.transport.pauses == 0
    wire.feed(text("c"))
    assert wire.transport.pauses == 1
    assert await queued(wire) == ["a19", "b19", "c"]
    assert wire.transport.resumes == 1


async def test_each_lane_has_its_own_keys() -> None:
    wire = Wire(conflate=lambda message: "one", text_queue_maxsize=5)
    wire.feed(text("1") + binary(b"2") + text("3") + binary(b"4"))
    assert await queued(wire) == ["3", b"4"]


@pytest.mark.parametrize("key", [lambda message: 1 / 0, lambda message: []])
async def test_a_key_that_cannot_be_used_leaves_the_message_alone(key: Any) -> None:
    contexts: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
    wire = Wire(conflate=key)
    wire.feed(text("1", "2"))
    assert len(contexts) == 2
    assert await queued(wire) == ["1", "2"]


@pytest.mark.parametrize("reads", [False, True])
async def test_a_key_function_that_receives(reads: bool) -> None:
    taken: list[Any] = []

    def receive(message: Message) -> str:
        if message.data == "b1" and not taken:
            if reads:
                wire.feed(text("a2", "d1"))
            taken.append(wire.connection.receive_nowait().data)
        return str(message.data)[0]

    wire = Wire(conflate=receive)
    wire.feed(text("a1", "b1", "c1"))
    wire.feed(text("c2"))
    everything = taken + await queued(wire)
    assert taken == ["a1"]
    assert sorted(everything) == sorted(["a1", *(["a2", "d1"] if reads else []), "b1", "c2"])


# -- looking at the queue --------------------------------------------------------------


async def test_peek_leaves_the_message_queued() -> None:
    ws = (wire := Wire()).connection
    assert ws.peek() is None
    wire.feed(binary(b"1") + text("2"))
    assert ws.peek() == ws.peek() == Message(MessageType.BINARY, b"1")
    assert ws.receive_nowait() == Message(MessageType.BINARY, b"1")
    assert ws.peek() == Message(MessageType.TEXT, "2")


@pytest.mark.parametrize("options", [{}, {"text_queue_maxsize": 5}], ids=["one", "lanes"])
async def test_what_is_set_aside_is_pending_but_not_next(options: dict[str, Any]) -> None:
    ws = (wire := Wire(**options)).connection
    task = asyncio.create_task(ws.receive_text())
    await turns()
    wire.feed(text("abc"))
    assert ws.peek() is None
    with pytest.raises(asyncio.QueueEmpty):
        ws.receive_nowait()
    assert ws.pending == (1, 3)
    assert await task == "abc"
    assert ws.pending == (0, 0)


async def test_pending_and_dropped_have_names() -> None:
    wire = Wire(max_queue=2, overflow="drop_oldest")
    wire.feed(text("1", "22", "333"))
    assert (wire.connection.pending.messages, wire.connection.pending.bytes) == (2, 5)
    assert (wire.connection.dropped.messages, wire.connection.dropped.bytes) == (1, 1)


async def test_at_the_end_there_is_nothing_to_see() -> None:
    wire = Wire()
    wire.feed(close())
    assert wire.connection.peek() is None
    assert wire.connection.pending == (0, 0)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"overflow": "drop"}, ValueError),
        ({"overflow": None}, TypeError),
        ({"conflate": "key"}, TypeError),
        ({"on_drop": 1}, TypeError),
        ({"text_queue_maxsize": -1}, ValueError),
        ({"binary_queue_maxsize": "1"}, TypeError),
        ({"max_queue": -1}, ValueError),
    ],
    ids=repr,
)
async def test_wrong_arguments(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        Wire(**options)
