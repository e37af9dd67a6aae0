"""A full transport: nothing is written, senders wait, and then go on in order.

No slow peer is needed: the transport reports that it is full, at the worst moments too.
"""

# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from channel.scripted import (
    Wire,
    cancelled,
    client_frames,
    close,
    in_callback,
    ping,
    seen_after,
    text,
    turns,
)
from rawserver import CLOSE, PONG

from wirespeed import ConnectionDisconnected

KIB = 1024


async def in_place(function: Callable[[], object]) -> None:
    """Call while no task is running: waiting tasks are resumed inside the call."""
    await in_callback(function)


async def later(function: Callable[[], object]) -> None:
    """Call while a task is running: waiting tasks are resumed a turn later."""
    function()


CALLS = pytest.mark.parametrize("call", [in_place, later], ids=["in_place", "later"])
Call = Callable[[Callable[[], object]], Awaitable[None]]


async def senders(wire: Wire, count: int) -> list[asyncio.Task[None]]:
    """Start tasks that send their number and wait for room, in this order."""

    async def send(number: int) -> None:
        await wire.connection.send(str(number))

    tasks = [asyncio.create_task(send(number)) for number in range(count)]
    await turns()
    return tasks


async def test_nothing_is_written_while_paused() -> None:
    wire = Wire()
    ws = wire.connection
    ws.send("before")
    ws.send("gathered")
    wire.protocol.pause_writing()
    waits: list[Any] = [
        ws.send("1"),
        ws.send_bytes(b"2" * 100_000),
        ws.send(["3", "4"]),
        ws.send_text("5"),
        ws.flush(),
    ]
    tasks = [
        asyncio.ensure_future(wait)
        for wait in [*waits, ws.send_json(6), ws.send_many(["7"]), ws.ping(b"8")]
    ]
    await turns()
    assert not any(task.done() for task in tasks)
    assert wire.writes() == [[b"before"]]
    wire.protocol.resume_writing()
    await asyncio.gather(*tasks)
    assert wire.sent() == [
        b"before",
        b"gathered",
        b"1",
        b"2" * 100_000,
        *(b"%d" % number for number in range(3, 9)),
    ]


@CALLS
async def test_all_who_wait_go_on_in_order(call: Call) -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    order: list[int] = []

    async def send(number: int) -> None:
        await wire.connection.send(str(number))
        order.append(number)

    tasks = [asyncio.create_task(send(number)) for number in range(10)]
    await turns()
    assert order == []
    await call(wire.protocol.resume_writing)
    await asyncio.gather(*tasks)
    assert order == list(range(10))
    assert wire.sent() == [b"%d" % number for number in range(10)]


async def test_who_waits_is_resumed_inside_the_call() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    order: list[str] = []

    async def send() -> None:
        await wire.connection.send("1")
        order.append("resumed")

    task = asyncio.create_task(send())
    await turns()
    seen = await seen_after(wire.protocol.resume_writing, order.copy)
    assert seen == ["resumed"]
    await task


@CALLS
async def test_one_fills_the_transport_again(call: Call) -> None:
    wire = Wire()
    finished: list[int] = []
    wire.transport.on_write = wire.protocol.pause_writing

    async def send(number: int) -> None:
        for step in range(3):
            await wire.connection.send(f"{number} {step}")
        finished.append(number)

    tasks = [asyncio.create_task(send(number)) for number in range(4)]
    await turns()
    resumes = 0
    while not all(task.done() for task in tasks):
        resumes += 1
        assert resumes < 100
        await call(wire.protocol.resume_writing)
        await turns()
    assert sorted(finished) == list(range(4))
    sent = wire.sent()
    for number in range(4):
        mine = [payload for payload in sent if payload.startswith(b"%d " % number)]
        assert mine == [b"%d %d" % (number, step) for step in range(3)]


async def test_nobody_starves_while_the_transport_keeps_filling() -> None:
    wire = Wire()
    counts = [0, 0, 0]
    wire.transport.on_write = wire.protocol.pause_writing

    async def send(number: int) -> None:
        while True:
            await wire.connection.send(str(number))
            counts[number] += 1

    tasks = [asyncio.create_task(send(number)) for number in range(3)]
    await turns()
    for _ in range(30):
        await in_callback(wire.protocol.resume_writing)
    assert min(counts) >= 5
    await cancelled(*tasks)


async def test_resumed_inside_the_write() -> None:
    """That is what uvloop does: it tries to send inside `write`."""
    wire = Wire()
    order: list[str] = []

    def on_write() -> None:
        wire.protocol.pause_writing()
        wire.protocol.resume_writing()

    wire.transport.on_write = on_write

    async def send(name: str) -> None:
        for step in range(50):
            await wire.connection.send(f"{name} {step}")
            await wire.connection.send(b"x" * (2000 * step))
        order.append(name)

    await asyncio.gather(send("a"), send("b"), wire.connection.send_many(["c"] * 10))
    await turns()
    assert len(wire.sent()) == 210
    for name in "ab":
        mine = [payload for payload in wire.sent() if payload.startswith(name.encode())]
        assert mine == [f"{name} {step}".encode() for step in range(50)]


async def test_who_waits_is_resumed_inside_a_write() -> None:
    """No task is running while gathered frames are written, so senders go on inside that write."""
    wire = Wire()
    wire.protocol.pause_writing()
    tasks = await senders(wire, 3)
    again: list[str] = []

    async def repeat() -> None:
        await wire.connection.send("repeat")
        await wire.connection.send("again")
        wire.connection.send(b"large" * 20_000)
        await wire.connection.send("and again")
        again.append("done")

    tasks.append(asyncio.create_task(repeat()))
    await turns()
    wire.transport.on_write = wire.protocol.resume_writing
    await in_callback(wire.protocol.resume_writing)
    await asyncio.gather(*tasks)
    await turns()
    assert wire.sent() == [
        b"0", b"1", b"2", b"repeat", b"again", b"large" * 20_000, b"and again",
    ]  # fmt: skip


async def test_a_send_on_a_closed_connection_raises() -> None:
    wire = Wire()
    ws = wire.connection
    wire.feed(close(1001, "bye"))
    wire.transport.copies.clear()
    calls: list[Callable[[], Any]] = [
        lambda: ws.send("x"),
        lambda: ws.send(["x"]),
        lambda: ws.send_text("x"),
        lambda: ws.send_bytes(b"x"),
        lambda: ws.send_json(1),
        lambda: ws.send_many(["x"]),
        ws.ping,
    ]
    for lost in (False, True):
        for call in calls:
            with pytest.raises(ConnectionDisconnected) as raised:
                await call()
            assert (raised.value.code, raised.value.reason) == (1001, "bye")
        if not lost:
            wire.lose()
    with pytest.raises(ConnectionDisconnected):
        await ws.flush()
    assert wire.transport.copies == []


@CALLS
async def test_who_waits_learns_that_the_connection_is_lost(call: Call) -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    tasks = await senders(wire, 3)
    tasks.append(asyncio.create_task(wire.connection.flush()))
    tasks.append(asyncio.create_task(wire.connection.send_many(["x"])))
    await turns()
    cause = ConnectionResetError("reset")
    await call(lambda: wire.lose(cause))
    for task in tasks:
        with pytest.raises(ConnectionDisconnected) as raised:
            await task
        assert raised.value.code == 1006
        assert raised.value.__cause__ is cause


@pytest.mark.parametrize("victim", [0, 1, 2])
@pytest.mark.parametrize("when", ["waiting", "woken"])
async def test_a_cancelled_wait_has_sent(victim: int, when: str) -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    tasks = await senders(wire, 3)
    if when == "woken":
        wire.protocol.resume_writing()
    tasks[victim].cancel("the reason")
    with pytest.raises(asyncio.CancelledError):
        await tasks[victim]
    if when == "waiting":
        wire.protocol.resume_writing()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.cancelled() for task in tasks] == [n == victim for n in range(3)]
    assert wire.sent() == [b"0", b"1", b"2"]


async def test_a_late_ping_is_answered_and_only_the_latest() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    wire.feed(ping(b"1") + ping(b"2"))
    wire.feed(ping(b"3"))
    await turns()
    assert wire.written() == b""
    wire.protocol.resume_writing()
    await turns()
    assert client_frames(wire.written()) == [(PONG, b"3")]
    wire.protocol.pause_writing()
    wire.protocol.resume_writing()
    assert client_frames(wire.written()) == [(PONG, b"3")]


@CALLS
async def test_a_late_ping_is_answered_before_senders_fill_the_transport_again(
    call: Call,
) -> None:
    wire = Wire()
    wire.transport.on_write = wire.protocol.pause_writing

    async def send() -> None:
        while True:
            await wire.connection.send(b"x")

    task = asyncio.create_task(send())
    await turns()
    wire.feed(ping(b"?"))
    for _ in range(3):
        await call(wire.protocol.resume_writing)
        await turns()
    assert (PONG, b"?") in client_frames(wire.written())
    await cancelled(task)


async def test_a_late_ping_after_the_end_is_not_answered() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    wire.feed(ping(b"?") + close())
    wire.protocol.resume_writing()
    await turns()
    assert [opcode for opcode, _ in client_frames(wire.written())] == [CLOSE]


async def test_receiving_goes_on_while_senders_wait() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    (task,) = await senders(wire, 1)
    receiving = asyncio.create_task(wire.connection.receive_text())
    await turns()
    await in_callback(lambda: wire.feed(text("1")))
    assert receiving.result() == "1"
    assert not task.done()
    await cancelled(task)


async def test_types_are_checked_while_paused_too() -> None:
    wire = Wire()
    wire.protocol.pause_writing()
    wrong: Any = 5
    for call in (wire.connection.send, wire.connection.send_text, wire.connection.send_bytes):
        with pytest.raises(TypeError):
            call(wrong)
    with pytest.raises(ValueError, match="UTF-8"):
        wire.connection.send_text(b"\xff")
    wire.protocol.resume_writing()
    assert wire.written() == b""
