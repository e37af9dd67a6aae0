"""Unused objects are freed: messages and waits at once, and a closed connection too."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, close, in_callback, ping, text, turns

import wirespeed
from wirespeed import ConnectionDisconnected


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Disable the garbage collector, after a collection."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def idle(wire: Wire) -> None:
    """Do nothing."""


async def talk(wire: Wire) -> None:
    """Use every kind of call once."""
    ws = wire.connection
    await ws.send("1")
    await ws.send_many(["2", b"3"])
    await ws.send_stream(["4", "5"])
    wire.feed(text("a", "b", "c") + ping())
    await ws.receive()
    await ws.receive_many()
    waiting = asyncio.create_task(ws.receive(timeout=30))
    await turns()
    await in_callback(lambda: wire.feed(text("d")))
    await waiting
    wire.protocol.pause_writing()
    sending = asyncio.create_task(ws.flush())
    await turns()
    wire.protocol.resume_writing()
    await sending
    await cancelled(asyncio.create_task(ws.receive(timeout=30)))
    await turns()


async def end_cleanly(wire: Wire) -> None:
    """Close with a closing handshake that the server starts."""
    wire.feed(close())
    assert [message async for message in wire.connection] == []
    wire.lose()


async def end_by_us(wire: Wire) -> None:
    """Close with a closing handshake that the client starts."""
    closing = asyncio.create_task(wire.connection.close())
    await turns()
    wire.feed(close())
    wire.lose()
    await closing


async def end_with_an_error(wire: Wire) -> None:
    """Lose the connection during a receive."""
    receiving = asyncio.create_task(wire.connection.receive())
    await turns()
    wire.lose(ConnectionResetError("reset"))
    with pytest.raises(ConnectionDisconnected):
        await receiving


@pytest.mark.parametrize("use", [idle, talk])
@pytest.mark.parametrize("end", [end_cleanly, end_by_us, end_with_an_error])
async def test_a_closed_connection_is_freed(
    use: Callable[[Wire], Awaitable[None]], end: Callable[[Wire], Awaitable[None]]
) -> None:
    class Told(wirespeed.WebSocketConnection):
        """A class that supports weak references, compiled or not."""

    with without_collector():
        wire: Wire | None = Wire(connection_class=Told)
        assert wire is not None
        gone = weakref.ref(wire.connection)
        await use(wire)
        await end(wire)
        wire = None
        await turns()
    # The connection refers to itself. Nothing else, such as a timer or the loop, may refer to it.
    gc.collect()
    assert gone() is None


async def test_messages_are_freed_as_soon_as_they_are_taken() -> None:
    class Taken:
        """Returned by `loads` for a message."""

    wire = Wire(loads=lambda data: Taken())
    with without_collector():
        for start in ("queued", "waited for"):
            if start == "queued":
                wire.feed(text("1"))
                taken: Any = await wire.connection.receive_json()
            else:
                task = asyncio.create_task(wire.connection.receive_json())
                await turns()
                await in_callback(lambda: wire.feed(text("1")))
                taken = await task
                del task
            gone = weakref.ref(taken)
            del taken
            await turns()
            assert gone() is None, start


async def test_waits_leave_no_tasks_and_no_timers() -> None:
    wire = Wire()
    gone = []
    with without_collector():
        for _ in range(10):
            task = asyncio.create_task(wire.connection.receive_text(timeout=3600))
            gone.append(weakref.ref(task))
            await turns()
            await in_callback(lambda: wire.feed(text("1")))
            assert await task == "1"
            del task
            await turns()
        assert [ref() for ref in gone] == [None] * 10
    assert asyncio.all_tasks() == {asyncio.current_task()}
