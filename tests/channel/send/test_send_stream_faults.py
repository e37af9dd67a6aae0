"""Streams that cannot be finished: nothing was sent, or the connection fails with 1011.

No timer runs out in these tests.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, client_frames, close, turns
from channel.send.test_send_stream import WAYS, frames, message
from channel.test_cancelled_waits import waits
from rawserver import CLOSE, CONTINUATION, TEXT, close_payload
from sources import Source, finished

from wirespeed import CloseCause, ConnectionDisconnected
from wirespeed._lifecycle.closing import closing_of
from wirespeed._lifecycle.closing_table import State

FAILED = (CLOSE, close_payload(1011, "error in fragmented message"))


def raising(*items: Any) -> Iterator[Any]:
    """Yield `items`, then raise."""
    yield from items
    raise LookupError("in the iterable")


async def raising_later(*items: Any) -> AsyncIterator[Any]:
    """Yield `items`, then raise, as an asynchronous generator."""
    for item in items:
        yield item
    raise LookupError("in the iterable")


RAISING: dict[str, Callable[..., Any]] = {"plain": raising, "asynchronous": raising_later}
raisings = pytest.mark.parametrize("make", RAISING.values(), ids=RAISING)


async def check_it_goes_on(wire: Wire) -> None:
    """Check that nothing of a stream was sent, and that the connection works as before."""
    assert wire.written() == b""
    await wire.connection.send_stream(["goes", "on"])
    await wire.connection.send("as ever")
    await turns()
    assert frames(wire) == [*message(TEXT, b"goes", b"on"), (0x81, b"as ever")]
    assert wire.connection.close_info is None
    wire.lose()


async def check_it_failed(wire: Wire, *before: bytes) -> None:
    """Check that the fragments were sent, and after them only the Close frame."""
    connection = wire.connection
    opcodes = [TEXT, *[CONTINUATION] * (len(before) - 1)]
    assert client_frames(wire.written()) == [*zip(opcodes, before, strict=True), FAILED]
    assert connection.closed
    with pytest.raises(ConnectionDisconnected):
        await connection.send("late")
    wire.feed(close(1011, "error in fragmented message"))
    with pytest.raises(ConnectionDisconnected) as caught:
        await connection.receive()
    assert caught.value.code == 1011
    wire.lose()
    assert connection.close_info is not None
    assert connection.close_info.cause is CloseCause.UNFINISHED_MESSAGE
    assert connection.close_info.closed_by == "local"


@raisings
async def test_an_iterable_that_raises_at_once(make: Any) -> None:
    wire = Wire(ping_interval=None)
    with pytest.raises(LookupError, match="in the iterable"):
        await wire.connection.send_stream(make())
    await check_it_goes_on(wire)


@raisings
async def test_an_iterable_that_raises_later(make: Any) -> None:
    wire = Wire(ping_interval=None)
    held = asyncio.create_task(waits(wire.connection.send_stream(Source("waits"))))
    with pytest.raises(LookupError, match="in the iterable"):
        await wire.connection.send_stream(make("a", "b"))
    await turns()
    await check_it_failed(wire, b"a", b"b")
    await cancelled(held)


WRONG: dict[str, tuple[list[Any], type[Exception], str]] = {
    "int": ([5], TypeError, "fragment 0 is int, all must be str or all bytes-like"),
    "None": ([None], TypeError, "fragment 0 is NoneType"),
    "list": ([["a"]], TypeError, "fragment 0 is list"),
    "lone surrogate": (["a\ud800"], ValueError, "surrogates not allowed"),
    "then bytes": (["a", b"b"], TypeError, "fragment 1 is bytes"),
    "then str": ([b"a", "b"], TypeError, "fragment 1 is str"),
    "then int": (["a", 5], TypeError, "fragment 1 is int"),
    "then a lone surrogate": (["a", "\udfff"], ValueError, "surrogates not allowed"),
}


@pytest.mark.parametrize("way", ["send", "send_stream", "plain"])
@pytest.mark.parametrize("name", WRONG)
async def test_wrong_items(name: str, way: str) -> None:
    items, error, match = WRONG[name]
    wire = Wire(ping_interval=None)
    source = Source(*items).end()
    with pytest.raises(error, match=match):
        if way == "plain":
            await wire.connection.send_stream(iter(items))
        else:
            await WAYS[way](wire.connection, source)
    await turns()
    if way != "plain":
        assert source.closed == 1
    if len(items) == 1:
        await check_it_goes_on(wire)
    elif items[0] == "a":
        await check_it_failed(wire, b"a")
    else:
        assert client_frames(wire.written())[1:] == [FAILED]


async def test_cancelled_before_the_first_item() -> None:
    wire = Wire(ping_interval=None)
    source = Source()
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    await cancelled(task)
    assert task.cancelled()
    assert source.closed == 1
    await check_it_goes_on(wire)


async def test_cancelled_between_two_items() -> None:
    wire = Wire(ping_interval=None)
    source = Source("a", "b")
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    await cancelled(task)
    assert task.cancelled()
    assert source.closed == 1
    await check_it_failed(wire, b"a", b"b")


async def test_cancelled_while_it_waits_for_room() -> None:
    wire = Wire(ping_interval=None)
    source = Source("a", "b")
    wire.transport.on_write = wire.protocol.pause_writing
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    assert source.asked == 1
    await cancelled(task)
    assert (task.cancelled(), source.closed) == (True, 1)
    wire.transport.on_write = None
    wire.protocol.resume_writing()
    await check_it_failed(wire, b"a")


async def test_cancelled_when_all_has_been_sent() -> None:
    """At that point it only waits for room: the message is complete, and the connection goes on."""
    wire = Wire(ping_interval=None)
    source = Source("a")
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    wire.protocol.pause_writing()
    source.end()
    await turns()
    assert not task.done()
    await cancelled(task)
    assert (task.cancelled(), source.closed) == (True, 1)
    wire.protocol.resume_writing()
    await wire.connection.send("next")
    await turns()
    assert frames(wire) == [*message(TEXT, b"a"), (0x81, b"next")]
    wire.lose()


async def test_cancelled_while_the_iterator_is_closed() -> None:
    """Everything for the connection was done before."""
    wire = Wire(ping_interval=None)
    closing = asyncio.Event()

    class Slow(Source):
        async def aclose(self) -> None:
            closing.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(waits(wire.connection.send_stream(Slow("a").end())))
    await closing.wait()
    await wire.connection.send("next")
    await turns()
    assert frames(wire) == [*message(TEXT, b"a"), (0x81, b"next")]
    await cancelled(task)
    assert task.cancelled()
    assert not wire.connection.closed
    wire.lose()


@pytest.mark.parametrize("begun", [False, True])
async def test_a_coroutine_that_is_dropped(begun: bool) -> None:
    """It cannot await anything any more, not even the closing of its iterator."""
    wire = Wire(ping_interval=None)
    source = Source("a") if begun else Source()
    stream = wire.connection.send_stream(source)
    stream.send(None)
    stream.close()
    if begun:
        await check_it_failed(wire, b"a")
    else:
        await check_it_goes_on(wire)
    assert source.closed == 0


def test_a_coroutine_that_is_dropped_when_the_loop_is_closed() -> None:
    loop = asyncio.new_event_loop()

    async def begin() -> tuple[Wire, Any]:
        wire = Wire(ping_interval=None)
        stream = wire.connection.send_stream(Source("a"))
        stream.send(None)
        return wire, stream

    wire, stream = loop.run_until_complete(begin())
    loop.run_until_complete(turns())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    stream.close()
    del stream
    gc.collect()
    assert frames(wire) == [(TEXT, b"a")]
    # An unclosed connection would warn.
    closing_of(wire.connection).state = State.CLOSED


async def test_held_messages_leave_when_nothing_was_begun() -> None:
    wire = Wire(ping_interval=None)
    source = Source("<")
    first = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    second = asyncio.create_task(waits(wire.connection.send_stream(raising("x"))))
    third = asyncio.create_task(waits(wire.connection.send_stream(finished("y"))))
    held = asyncio.create_task(waits(wire.connection.send("held")))
    await turns()
    second.cancel()
    source.end()
    await asyncio.gather(first, third, held)
    await asyncio.gather(second, return_exceptions=True)
    await turns()
    assert wire.sent() == [b"<", b"", b"held", b"y", b""]
    wire.lose()


@pytest.mark.parametrize("begun", [False, True])
async def test_a_connection_that_is_closed_asks_for_nothing(begun: bool) -> None:
    wire = Wire(ping_interval=None)
    source = finished("a")
    stream = wire.connection.send_stream(source)
    wire.feed(close())
    if begun:
        with pytest.raises(ConnectionDisconnected):
            await stream
        assert (source.asked, source.closed) == (0, 1)
    else:
        with pytest.raises(ConnectionDisconnected):
            await wire.connection.send_stream(source)
        assert source.asked == 0
        stream.close()
    wire.lose()


async def test_the_peer_closes_in_the_middle() -> None:
    wire = Wire(ping_interval=None)
    source = Source("a")
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    wire.feed(close(1001))
    source.give("b")
    with pytest.raises(ConnectionDisconnected) as caught:
        await task
    assert caught.value.code == 1001
    assert source.closed == 1
    assert client_frames(wire.written()) == [(TEXT, b"a"), (CLOSE, close_payload(1001))]
    wire.lose()
    assert wire.connection.close_info is not None
    assert wire.connection.close_info.cause is CloseCause.PEER_CLOSE


async def test_closing_while_the_transport_is_full() -> None:
    """The stream ends no later than the connection."""
    wire = Wire(ping_interval=None)
    wire.transport.on_write = wire.protocol.pause_writing
    source = Source("a", "b")
    task = asyncio.create_task(waits(wire.connection.send_stream(source)))
    await turns()
    closing = asyncio.create_task(wire.connection.close())
    await turns()
    assert not task.done()
    wire.lose()
    with pytest.raises(ConnectionDisconnected):
        await task
    await closing
    assert (source.asked, source.closed) == (1, 1)
