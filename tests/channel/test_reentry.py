"""A consumer that is resumed inside a read may do anything there: close, abort, read on, send.

The scripted transport re-enters at the worst moments, independent of an event loop's transports.
"""

# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
from functools import partial
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
    seen_after,
    text,
    turns,
)
from rawserver import CLOSE, PONG, TEXT, close_payload

import wirespeed
from wirespeed import ConnectionDisconnected


async def test_more_data_inside_the_wake() -> None:
    wire = Wire()
    received: list[Any] = []

    def act(message: str) -> None:
        if message == "1":
            wire.feed(text("4", "5"))
        elif message == "4":
            wire.feed(text("6"))

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    seen = await seen_after(partial(wire.feed, text("1", "2", "3")), received.copy)
    assert seen == ["1", "2", "3", "4", "5", "6"]
    await cancelled(task)


@pytest.mark.parametrize("cut", range(1, 24))
async def test_a_frame_that_is_finished_inside_the_wake(cut: int) -> None:
    """Unfinished data has left the shared memory before any task is woken."""
    first, second = text("1"), text("2", "3") + binary(b"x" * 10)
    wire = Wire()
    received: list[Any] = []

    def act(message: str) -> None:
        if message == "1":
            wire.feed(second[cut:])

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    await in_callback(lambda: wire.feed(first + second[:cut]))
    await turns()
    assert sorted(map(str, received)) == sorted(["1", "2", "3", str(b"x" * 10)])
    assert received.index("2") < received.index("3") < received.index(b"x" * 10)
    await cancelled(task)


async def test_a_large_frame_that_is_finished_inside_the_wake() -> None:
    payload = bytes(range(256)) * 4096
    large = binary(payload)
    wire = Wire()
    received: list[Any] = []

    def act(message: Any) -> None:
        if message == "1":
            wire.feed(large[1000:] + text("2"))

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    await in_callback(lambda: wire.feed(text("1") + large[:1000]))
    await turns()
    assert received == ["1", payload, "2"]
    await cancelled(task)


async def test_data_inside_the_wake_of_several_receivers() -> None:
    wire = Wire()
    tasks: list[asyncio.Task[str]] = []

    async def first() -> str:
        message = await wire.connection.receive_text()
        wire.feed(text("2", "3"))
        return message

    tasks.append(asyncio.create_task(first()))
    tasks += [asyncio.create_task(wire.connection.receive_text()) for _ in range(2)]
    await turns()
    await in_callback(lambda: wire.feed(text("1")))
    assert await asyncio.gather(*tasks) == ["1", "2", "3"]


async def test_another_connection_reads_inside_the_wake() -> None:
    """All connections of a loop may share the memory that is read into."""
    one, other = Wire(), Wire()
    from_one: list[Any] = []
    from_other: list[Any] = []

    def act(message: str) -> None:
        if message == "1":
            other.feed(text("x" * 100, "y")[:-1])

    tasks = [
        asyncio.create_task(collect(one, from_one, act)),
        asyncio.create_task(collect(other, from_other)),
    ]
    await turns()
    await in_callback(lambda: one.feed(text("1", "2")[:-1]))
    await in_callback(lambda: one.feed(b"2"))
    await in_callback(lambda: other.feed(b"y"))
    await turns()
    assert from_one == ["1", "2"]
    assert from_other == ["x" * 100, "y"]
    await cancelled(*tasks)


async def test_closing_inside_the_wake() -> None:
    wire = Wire()
    received: list[Any] = []

    async def consume() -> None:
        async for message in wire.connection:
            received.append(message)
            if message == "1":
                closing = asyncio.create_task(wire.connection.close(1001, "bye"))
                await asyncio.sleep(0)
                assert wire.connection.closed
        await closing

    task = asyncio.create_task(consume())
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2")))
    await turns()
    assert client_frames(wire.written()) == [(CLOSE, close_payload(1001, "bye"))]
    await in_callback(lambda: wire.feed(text("3") + close(1001)))
    await in_callback(wire.lose)
    await task
    assert received == ["1", "2", "3"]
    assert wire.connection.close_code == 1001


async def test_the_peer_answers_inside_the_close_inside_the_wake() -> None:
    """The transport reads the rest and is lost while the Close frame is written."""
    wire = Wire()
    received: list[Any] = []

    def on_write() -> None:
        wire.transport.on_write = None
        wire.feed(text("late") + close())
        wire.lose()

    async def consume() -> None:
        async for message in wire.connection:
            received.append(message)
            if message == "1":
                wire.transport.on_write = on_write
                await wire.connection.close()

    task = asyncio.create_task(consume())
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2")))
    await task
    assert received == ["1", "2", "late"]
    assert (wire.connection.close_code, wire.connection.closed) == (1000, True)
    await wire.connection.close()


@pytest.mark.parametrize("synchronous", [False, True])
async def test_aborting_inside_the_wake(synchronous: bool) -> None:
    wire = Wire()
    received: list[Any] = []
    if synchronous:
        wire.transport.on_close = wire.lose
    transport = wire.transport

    def act(message: str) -> None:
        if message == "1":
            transport.abort()

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2", "3")))
    if not synchronous:
        await in_callback(wire.lose)
    with pytest.raises(ConnectionDisconnected) as raised:
        await task
    assert raised.value.code == 1006
    assert received == ["1", "2", "3"]
    assert transport.pauses == 0


async def test_lost_inside_the_wake_of_several_receivers() -> None:
    wire = Wire()

    async def first() -> str:
        message = await wire.connection.receive_text()
        wire.lose()
        return message

    tasks = [asyncio.create_task(first())]
    tasks += [asyncio.create_task(wire.connection.receive_text()) for _ in range(3)]
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2")))
    assert [await task for task in tasks[:2]] == ["1", "2"]
    for task in tasks[2:]:
        with pytest.raises(ConnectionDisconnected):
            await task


async def test_a_close_frame_is_acted_upon_after_the_messages_before_it() -> None:
    wire = Wire()
    received: list[Any] = []

    def act(message: str) -> None:
        assert not wire.connection.closed
        wire.connection.send(f"answer {message}")

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2") + close(1001)))
    await task
    assert [frame[1] for frame in client_frames(wire.written())] == [
        b"answer 1",
        b"answer 2",
        close_payload(1001),
    ]


async def test_a_close_frame_inside_the_wake_of_another_read() -> None:
    wire = Wire()
    received: list[Any] = []

    def act(message: str) -> None:
        if message == "1":
            wire.feed(text("3") + close(1000, "done"))

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2")))
    await task
    assert received == ["1", "2", "3"]
    assert client_frames(wire.written()) == [(CLOSE, close_payload(1000, "done"))]
    assert wire.connection.close_reason == "done"


async def test_a_fault_is_raised_after_the_messages_before_it() -> None:
    wire = Wire()
    received: list[Any] = []
    task = asyncio.create_task(
        collect(wire, received, lambda message: wire.connection.send("answer"))
    )
    await turns()
    await in_callback(lambda: wire.feed(text("1") + b"\xff\x00"))
    with pytest.raises(wirespeed.ProtocolError):
        await task
    assert received == ["1"]
    frames = client_frames(wire.written())
    assert frames[0] == (TEXT, b"answer")
    assert (frames[1][0], frames[1][1][:2]) == (CLOSE, close_payload(1002))
    assert len(frames) == 2


async def test_pausing_inside_the_wake() -> None:
    wire = Wire()
    received: list[Any] = []

    def act(message: str) -> None:
        wire.transport.pause_reading()
        wire.protocol.pause_writing()
        wire.connection.send(message)
        wire.protocol.resume_writing()
        wire.transport.resume_reading()

    task = asyncio.create_task(collect(wire, received, act))
    await turns()
    for _ in range(3):
        await in_callback(lambda: wire.feed(text("1", "2") + ping(b"?")))
    assert received == ["1", "2"] * 3
    await turns()
    frames = client_frames(wire.written())
    assert [payload for opcode, payload in frames if opcode == TEXT] == [b"1", b"2"] * 3
    assert [payload for opcode, payload in frames if opcode == PONG] == [b"?"] * 3
    await cancelled(task)


async def test_resumed_reading_reads_at_once() -> None:
    """Some transports still have data when they resume reading."""
    wire = Wire(max_queue=2)
    wire.transport.on_resume_reading = lambda: wire.feed(text("5"))
    wire.feed(text("1", "2", "3", "4"))
    assert wire.transport.pauses == 1
    received = [(await wire.connection.receive()).data for _ in range(4)]
    assert wire.transport.resumes == 1
    received.append((await wire.connection.receive()).data)
    assert received == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("way", ["cancel_self", "cancel_other", "new_task", "call_soon"])
async def test_tasks_are_made_and_cancelled_inside_the_wake(way: str) -> None:
    wire = Wire()
    ws = wire.connection
    started: list[asyncio.Task[str]] = []

    async def first() -> str:
        message = await ws.receive_text()
        if way == "cancel_self":
            tasks[0].cancel()
            await asyncio.sleep(0)
        elif way == "cancel_other":
            tasks[1].cancel()
        elif way == "new_task":
            started.append(asyncio.create_task(ws.receive_text()))
        else:
            asyncio.get_running_loop().call_soon(wire.feed, text("4"))
        return message

    tasks = [
        asyncio.create_task(first()),
        *(asyncio.create_task(ws.receive_text()) for _ in range(2)),
    ]
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2", "3")))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await turns()
    victim = {"cancel_self": 0, "cancel_other": 1}.get(way)
    assert [isinstance(result, BaseException) for result in results] == [
        number == victim for number in range(3)
    ]
    if way == "cancel_other":
        assert [results[0], results[2]] == ["1", "2"]
        assert ws.receive_nowait().data == "3"
    elif way == "call_soon":
        assert results == ["1", "2", "3"]
        assert ws.receive_nowait().data == "4"
    await cancelled(*started)
