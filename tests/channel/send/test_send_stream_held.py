"""Messages sent by others during a stream: they are held, in order, until the stream has ended.

No timer runs out in these tests.
"""

# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, client_frames, payloads, turns
from channel.send.test_send_stream import frames, message
from channel.test_cancelled_waits import SENDS, waits
from rawserver import BINARY, CONTINUATION, PING, TEXT
from sources import Source

from wirespeed import CloseCause, ConnectionDisconnected, Heartbeat, WebSocketConnection
from wirespeed._lifecycle.closing import closing_of

FIN = 0x80


class Reversed:
    """A protocol handler that reverses the text."""

    name = "reversed"

    def encode(self, value: bytes) -> bytes:
        return value[::-1]

    def decode(self, data: bytes) -> bytes:
        return data[::-1]


async def streaming(wire: Wire) -> tuple[Source, asyncio.Task[None]]:
    """Start a stream; its first fragment is "<"."""
    source = Source("<")
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    assert frames(wire)[-1] == (TEXT, b"<")
    return source, task


async def test_all_kinds_of_sends_are_held_in_order() -> None:
    wire = Wire(protocol_handler=Reversed(), ping_interval=None)
    ws = wire.connection
    source, task = await streaming(wire)
    data = bytearray(b"4")
    sends = [
        asyncio.create_task(waits(send))
        for send in [
            ws.send_text("1"),
            ws.send_bytes(b"2"),
            ws.send("3"),
            ws.send(data),
            ws.send_bytes(memoryview(b"x5x")[1:2]),
            ws.send_json(6),
            ws.send_protocol(b"57"),
            ws.send(["8", "9"]),
            ws.send_text(b"\xc3\xa9"),
            ws.send(b"10" * 100_000),
            ws.flush(),
        ]
    ]
    data[:] = b"?"
    many = asyncio.create_task(ws.send_many(["11", b"12"]))
    answer = await ws.ping(b"now")
    await turns()
    assert not any(send.done() for send in [*sends, many])
    assert client_frames(wire.written()) == [(TEXT, b"<"), (PING, b"now")]
    source.give(">").end()
    await asyncio.gather(task, many, *sends)
    await turns()
    assert client_frames(wire.written())[2:] == [
        (CONTINUATION, b">"),
        (CONTINUATION, b""),
        (TEXT, b"1"),
        (BINARY, b"2"),
        (TEXT, b"3"),
        (BINARY, b"4"),
        (BINARY, b"5"),
        (TEXT, b"6"),
        (BINARY, b"75"),
        (TEXT, b"8"),
        (CONTINUATION, b"9"),
        (TEXT, b"\xc3\xa9"),
        (BINARY, b"10" * 100_000),
        (TEXT, b"11"),
        (BINARY, b"12"),
    ]
    assert not answer.done()
    wire.lose()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda ws: ws.send_text(5), TypeError),
        (lambda ws: ws.send_text(b"\xff"), ValueError),
        (lambda ws: ws.send_text("a\ud800"), ValueError),
        (lambda ws: ws.send_bytes("a"), TypeError),
        (lambda ws: ws.send_bytes(None), TypeError),
        (lambda ws: ws.send(5), TypeError),
        (lambda ws: ws.send(["a", b"b"]), TypeError),
        (lambda ws: ws.send(["a", "\ud800"]), ValueError),
        (lambda ws: ws.send_json({1}), TypeError),
    ],
)
async def test_a_wrong_call_raises_at_once(call: Callable[[Any], Any], error: type) -> None:
    wire = Wire()
    source, task = await streaming(wire)
    with pytest.raises(error) as held:
        call(wire.connection)
    source.end()
    await task
    with pytest.raises(error) as free:
        call(wire.connection)
    assert str(held.value) == str(free.value)
    await turns()
    assert frames(wire) == message(TEXT, b"<")


async def test_an_awaited_sender_is_held_back() -> None:
    """It sends no second message before the first has left."""
    wire = Wire()
    source, task = await streaming(wire)
    sent: list[int] = []

    async def send() -> None:
        for number in range(3):
            await wire.connection.send(str(number))
            sent.append(number)

    sending = asyncio.create_task(send())
    for _ in range(3):
        source.give("")
        await turns()
    assert sent == []
    source.end()
    await asyncio.gather(task, sending)
    await turns()
    assert wire.sent() == [b"<", b"", b"", b"", b"", b"0", b"1", b"2"]


async def test_a_held_send_waits_for_room_too() -> None:
    wire = Wire()
    source, task = await streaming(wire)
    first, second = (asyncio.create_task(waits(wire.connection.send(name))) for name in "ab")
    await turns()
    wire.protocol.pause_writing()
    source.end()
    await turns()
    assert not any(send.done() for send in (task, first, second))
    assert wire.sent() == [b"<"]
    wire.protocol.resume_writing()
    await asyncio.gather(task, first, second)
    assert wire.sent() == [b"<", b"", b"a", b"b"]


@pytest.mark.parametrize("name", SENDS)
async def test_a_held_send_that_is_cancelled_is_sent_once(name: str) -> None:
    wire = Wire()
    source, task = await streaming(wire)
    sending = asyncio.create_task(waits(SENDS[name](wire.connection)))
    await turns()
    assert not sending.done()
    await cancelled(sending)
    assert sending.cancelled()
    source.end()
    await task
    await wire.connection.send("2")
    await turns()
    assert wire.sent() == [b"<", b"", b"1", b"2"]


async def test_a_dropped_send_is_sent() -> None:
    wire = Wire()
    source, task = await streaming(wire)
    wire.connection.send("a")
    wire.connection.send("b").close()
    source.end()
    await task
    await turns()
    assert wire.sent() == [b"<", b"", b"a", b"b"]


async def test_flush_with_nothing_held_waits_for_room_only() -> None:
    wire = Wire()
    source, task = await streaming(wire)
    source.give("gathered")
    await wire.connection.flush()
    await turns()
    await wire.connection.flush()
    assert wire.sent() == [b"<", b"gathered"]
    source.end()
    await task


async def test_what_is_sent_while_the_held_ones_leave_follows_them() -> None:
    """A transport may call back before it has taken the data."""
    wire = Wire()
    source, task = await streaming(wire)
    names = iter("cd")

    def before_write() -> None:
        if (name := next(names, None)) is not None:
            wire.connection.send(name)

    wire.connection.send("a")
    wire.connection.send(b"b" * 100_000)
    await turns()
    wire.transport.before_write = before_write
    source.end()
    await task
    await turns()
    assert wire.sent() == [b"<", b"", b"a", b"b" * 100_000, b"c", b"d"]


async def test_what_is_sent_while_the_first_fragment_leaves_is_held() -> None:
    wire = Wire()
    source = Source("<")

    def on_write() -> None:
        wire.transport.on_write = None
        wire.connection.send("inside")

    wire.transport.on_write = on_write
    task = asyncio.create_task(wire.connection.send_stream(source))
    await turns()
    assert wire.sent() == [b"<"]
    source.end()
    await task
    await turns()
    assert wire.sent() == [b"<", b"", b"inside"]


# -- several streams ---------------------------------------------------------------------


async def start(ws: WebSocketConnection, source: Source) -> asyncio.Task[None]:
    task = asyncio.create_task(waits(ws.send_stream(source)))
    await turns()
    return task


async def test_streams_are_first_come_first_served() -> None:
    wire = Wire()
    source, task = await streaming(wire)
    others = [Source(name).end() for name in "abc"]
    tasks = [await start(wire.connection, other) for other in others]
    # The streams do not read ahead: each takes one item before it waits in line.
    assert [other.asked for other in others] == [1, 1, 1]
    wire.connection.send("held")
    source.end()
    await asyncio.gather(task, *tasks)
    await turns()
    assert wire.sent() == [b"<", b"", b"held", b"a", b"", b"b", b"", b"c", b""]
    assert [other.closed for other in others] == [1, 1, 1]


async def test_a_stream_that_has_nothing_to_send_yet_holds_nobody_back() -> None:
    wire = Wire()
    late = Source()
    waiting = await start(wire.connection, late)
    source, task = await streaming(wire)
    source.end()
    await task
    await wire.connection.send("a")
    late.give("b").end()
    await waiting
    await turns()
    assert wire.sent() == [b"<", b"", b"a", b"b", b""]


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("is_woken", [False, True], ids=["waiting", "woken"])
async def test_a_stream_that_is_cancelled_in_line_was_not_sent(which: int, is_woken: bool) -> None:
    wire = Wire()
    source, task = await streaming(wire)
    others = [Source(name).end() for name in "abc"]
    tasks = [await start(wire.connection, other) for other in others]
    held = asyncio.create_task(waits(wire.connection.send("held")))
    await turns()
    if is_woken:
        # The first stream has ended, and the next was woken but has not run yet.
        source.on_close = tasks[which].cancel
    else:
        await cancelled(tasks[which])
    source.end()
    results = await asyncio.gather(task, *tasks, return_exceptions=True)
    await held
    await turns()
    names = [name for index, name in enumerate("abc") if index != which]
    assert wire.sent() == [b"<", b"", b"held", *(p for n in names for p in (n.encode(), b""))]
    assert tasks[which].cancelled()
    assert results.count(None) == 1 + len(names)
    assert [other.closed for other in others] == [1, 1, 1]
    await wire.connection.send("goes on")


async def test_what_waits_in_line_cannot_be_changed() -> None:
    wire = Wire()
    source, task = await streaming(wire)
    data = bytearray(b"before")
    waiting = await start(wire.connection, Source(data).end())
    data[:] = b"after!"
    source.end()
    await asyncio.gather(task, waiting)
    await turns()
    assert wire.sent() == [b"<", b"", b"before", b""]


# -- inside the iterable -----------------------------------------------------------------


async def test_a_send_inside_the_iterable_does_not_wait_for_its_end() -> None:
    wire = Wire()

    async def parts() -> AsyncIterator[str]:
        yield "a"
        await wire.connection.send("inside")
        await wire.connection.send_many(["in", "many"])
        await wire.connection.flush()
        yield "b"

    await wire.connection.send_stream(parts())
    await turns()
    assert wire.sent() == [b"a", b"b", b"", b"inside", b"in", b"many"]


async def test_a_stream_inside_the_iterable_of_another() -> None:
    wire = Wire()

    async def parts() -> AsyncIterator[str]:
        yield "a"
        with pytest.raises(RuntimeError, match="inside the iterable of another"):
            await wire.connection.send_stream(["inside"])
        yield "b"

    await wire.connection.send_stream(parts())
    await turns()
    assert wire.sent() == [b"a", b"b", b""]


# -- the end -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "peer", "eof", "lost", "abort"])
async def test_who_is_held_learns_of_the_end(end: str) -> None:
    wire = Wire()
    ws = wire.connection
    source, task = await streaming(wire)
    sends = [
        asyncio.create_task(waits(send))
        for send in [ws.send("12345"), ws.send([b"67", b"8"]), ws.flush()]
    ]
    waiting = await start(ws, Source("never"))
    await turns()
    closing: asyncio.Task[Any] | None = None
    match end:
        case "close":
            closing = asyncio.create_task(ws.close())
        case "peer":
            wire.feed(b"\x88\x02\x03\xe8")
        case "eof":
            wire.protocol.eof_received()
        case "lost":
            wire.lose()
        case "abort":
            ws.abort()
            wire.lose()
    await turns()
    assert all(send.done() for send in [*sends, waiting])
    for send in [*sends, waiting]:
        with pytest.raises(ConnectionDisconnected):
            await send
    # The stream itself fails at its next item, and sends nothing more.
    assert not task.done()
    source.give("late")
    with pytest.raises(ConnectionDisconnected):
        await task
    assert source.closed == 1
    wire.lose()
    assert ws.close_info is not None
    assert ws.close_info.unsent_bytes == 8
    sent = payloads(wire.written())
    assert sent[0] == b"<"
    assert b"late" not in sent
    assert b"12345" not in sent
    if closing is not None:
        await closing
        assert ws.close_info.cause is CloseCause.CLOSE
        assert ws.close_info.sent == (1000, "")


async def test_a_heartbeat_is_neither_sent_nor_expected_to_be_answered() -> None:
    beat = Heartbeat(interval=3600, payload="beat", timeout=3600)
    wire = Wire(ping_interval=None, heartbeat=beat)
    heart: Any = closing_of(wire.connection).watch._heart
    source, task = await streaming(wire)
    heart._strike()
    assert heart._is_answered
    source.end()
    await task
    heart._strike()
    assert not heart._is_answered
    await turns()
    assert wire.sent() == [b"<", b"", b"beat"]
    wire.lose()
