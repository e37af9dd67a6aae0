"""A call from another thread raises `RuntimeError` and changes nothing.

There is no race: the event loop's thread waits for the other one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, close, in_callback, text, turns
from sources import finished

import wirespeed

CALLS: dict[str, Callable[[wirespeed.WebSocketConnection], Any]] = {
    "receive": lambda ws: ws.receive(),
    "receive_timeout": lambda ws: ws.receive(timeout=0),
    "receive_text": lambda ws: ws.receive_text(),
    "receive_bytes": lambda ws: ws.receive_bytes(),
    "receive_json": lambda ws: ws.receive_json(),
    "receive_many": lambda ws: ws.receive_many(),
    "json": lambda ws: ws.json(),
    "receive_nowait": lambda ws: ws.receive_nowait(),
    "iteration": lambda ws: ws.__aiter__(),
    "batches": lambda ws: ws.batches(),
    "send": lambda ws: ws.send("x"),
    "send_bytes_like": lambda ws: ws.send(bytearray(b"x")),
    "send_iterable": lambda ws: ws.send(["x", "y"]),
    "send_asynchronous": lambda ws: ws.send(finished("x")),
    "send_stream": lambda ws: ws.send_stream(["x"]),
    "send_large": lambda ws: ws.send(b"x" * 200_000),
    "send_text": lambda ws: ws.send_text("x"),
    "send_bytes": lambda ws: ws.send_bytes(b"x"),
    "send_json": lambda ws: ws.send_json(1),
    "send_many": lambda ws: ws.send_many(["x"]),
    "send_many_nothing": lambda ws: ws.send_many([]),
    "ping": lambda ws: ws.ping(),
    "flush": lambda ws: ws.flush(),
    "close": lambda ws: ws.close(),
}


def step(call: Callable[[], Any]) -> BaseException | None:
    """Make the call, and take the first step of a returned coroutine; return what is raised."""
    try:
        made = call()
        if isinstance(made, Coroutine):
            made.send(None)
    except BaseException as exc:
        return exc
    return None


def in_a_thread(call: Callable[[], Any]) -> BaseException | None:
    """Return what `call` and its first step raise in another thread."""
    raised: list[BaseException | None] = []
    thread = threading.Thread(target=lambda: raised.append(step(call)))
    thread.start()
    thread.join()
    return raised[0]


@pytest.mark.parametrize("state", ["open", "queued", "waited_for", "paused", "closing", "lost"])
@pytest.mark.parametrize("name", CALLS)
async def test_a_call_from_another_thread(name: str, state: str) -> None:
    wire = Wire(max_queue=1)
    ws = wire.connection
    waiting: list[asyncio.Task[Any]] = []
    queued: list[str] = []
    if state == "queued":
        queued = ["1", "2"]
        wire.feed(text(*queued))
    elif state == "waited_for":
        waiting.append(asyncio.create_task(ws.receive_text()))
        await turns()
    elif state == "paused":
        wire.protocol.pause_writing()
    elif state == "closing":
        wire.feed(close())
    elif state == "lost":
        wire.lose()
    before = (wire.written(), wire.transport.pauses, wire.transport.resumes, ws.closed)
    error = in_a_thread(lambda: CALLS[name](ws))
    assert isinstance(error, RuntimeError), error
    assert "thread" in str(error)
    assert "asyncio.run_coroutine_threadsafe" in str(error)
    await turns()
    after = (wire.written(), wire.transport.pauses, wire.transport.resumes, ws.closed)
    assert after == before
    if state == "waited_for":
        await in_callback(lambda: wire.feed(text("3")))
        assert waiting[0].result() == "3"
    if queued:
        assert await ws.receive_many() == queued
    if state == "paused":
        wire.protocol.resume_writing()
    if state not in ("closing", "lost"):
        await ws.send("still there")
        assert wire.sent() == [b"still there"]
    await cancelled(*waiting)


@pytest.mark.parametrize("name", ["receive", "iteration", "batches"])
async def test_an_awaitable_that_was_carried_to_another_thread(name: str) -> None:
    wire = Wire()
    ws = wire.connection
    makes: dict[str, Callable[[], Any]] = {
        "receive": ws.receive,
        "iteration": lambda: ws.__aiter__().__anext__(),
        "batches": lambda: ws.batches().__anext__(),
    }
    made = makes[name]()

    async def carry() -> Any:
        # It has to wait, and only its own loop could wake it.
        return await made

    error = in_a_thread(lambda: asyncio.run(carry()))
    assert isinstance(error, RuntimeError)
    made.close()
    await in_callback(lambda: wire.feed(text("2")))
    assert await ws.receive_text() == "2"


async def test_a_stream_that_was_carried_to_another_thread() -> None:
    wire = Wire()
    made = wire.connection.send_stream(["x"])

    async def carry() -> Any:
        return await made

    error = in_a_thread(lambda: asyncio.run(carry()))
    assert isinstance(error, RuntimeError)
    await turns()
    await wire.connection.send("still there")
    assert wire.sent() == [b"still there"]
