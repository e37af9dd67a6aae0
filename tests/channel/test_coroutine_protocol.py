"""Receives and sends return a coroutine in all but type: they follow the coroutine protocol."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import inspect
import io
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from channel.scripted import Wire, binary, cancelled, in_callback, text, turns

import wirespeed

Make = Callable[[wirespeed.WebSocketConnection], Any]

RECEIVES: dict[str, Make] = {
    "receive": lambda ws: ws.receive(),
    "receive_timeout": lambda ws: ws.receive(timeout=30),
    "receive_text": lambda ws: ws.receive_text(),
    "receive_bytes": lambda ws: ws.receive_bytes(),
    "receive_json": lambda ws: ws.receive_json(),
    "receive_many": lambda ws: ws.receive_many(),
    "iteration": lambda ws: ws.__aiter__().__anext__(),
    "batches": lambda ws: ws.batches().__anext__(),
}
SENDS: dict[str, Make] = {
    "send": lambda ws: ws.send("x"),
    "send_iterable": lambda ws: ws.send(["x", "y"]),
    "send_text": lambda ws: ws.send_text("x"),
    "send_bytes": lambda ws: ws.send_bytes(b"x"),
    "flush": lambda ws: ws.flush(),
}


def suspended(name: str, wire: Wire) -> Any:
    """Return a receive, or a send that has to wait."""
    if name in SENDS:
        wire.protocol.pause_writing()
    return {**RECEIVES, **SENDS}[name](wire.connection)


def release(name: str, wire: Wire) -> None:
    """End the wait of `suspended`."""
    if name in SENDS:
        wire.protocol.resume_writing()
    else:
        wire.feed(binary(b"1") if name == "receive_bytes" else text("1"))


ALL = [*RECEIVES, *SENDS]


@pytest.mark.parametrize("name", ALL)
async def test_it_is_a_coroutine_and_no_future(name: str) -> None:
    made = suspended(name, Wire())
    # One list, because mypy would draw conclusions from separate assertions.
    assert [
        inspect.isawaitable(made),
        asyncio.iscoroutine(made),
        isinstance(made, collections.abc.Coroutine),
        isinstance(made, collections.abc.Awaitable),
        asyncio.isfuture(made),
    ] == [True, True, True, True, False]
    assert not hasattr(made, "_asyncio_future_blocking")
    assert made.__await__() is iter(made)
    for attribute in ("cr_frame", "cr_code", "cr_await"):
        assert getattr(made, attribute) is None
    assert made.cr_running is False
    assert isinstance(made.__name__, str)
    assert isinstance(made.__qualname__, str)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = made.no_such_name
    made.close()


@pytest.mark.parametrize("name", ALL)
async def test_steps_by_hand(name: str) -> None:
    wire = Wire()
    made = suspended(name, wire)
    waiter = made.send(None)
    assert waiter._asyncio_future_blocking is True
    assert waiter.get_loop() is asyncio.get_running_loop()
    assert waiter.done() is False
    release(name, wire)
    assert (waiter.done(), waiter.cancelled(), waiter.result()) == (True, False, None)
    with pytest.raises(StopIteration):
        next(made)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("started", [False, True], ids=["new", "suspended"])
async def test_throw(name: str, started: bool) -> None:
    class Thrown(Exception):
        """Takes any arguments."""

    wire = Wire()
    instance = Thrown("an instance")
    try:
        raise LookupError("for its traceback")
    except LookupError as caught:
        traceback = caught.__traceback__
    assert isinstance(traceback, types.TracebackType)
    cases: list[tuple[tuple[Any, ...], tuple[object, ...]]] = [
        ((instance,), ("an instance",)),
        ((Thrown,), ()),
        ((Thrown, None), ()),
        ((Thrown, "a value"), ("a value",)),
        ((Thrown, Thrown("of the type")), ("of the type",)),
        ((Thrown, Thrown("traced"), traceback), ("traced",)),
        ((Thrown, None, traceback), ()),
        ((Thrown("alone"), None, traceback), ("alone",)),
    ]
    for arguments, expected in cases:
        made = suspended(name, wire)
        if started:
            made.send(None)
        with pytest.raises(Thrown) as raised:
            made.throw(*arguments)
        assert raised.value.args == expected
        if traceback in arguments:
            frames = []
            link = raised.value.__traceback__
            while link is not None:
                frames.append(link)
                link = link.tb_next
            assert traceback in frames
    release(name, wire)
    if name in RECEIVES:
        assert wire.connection.receive_nowait().data in ("1", b"1")


@pytest.mark.parametrize("name", RECEIVES)
@pytest.mark.parametrize("end", ["await", "throw", "close", "close_new"])
async def test_a_receive_serves_once(name: str, end: str) -> None:
    wire = Wire()
    made = suspended(name, wire)
    if end == "await":
        release(name, wire)
        await made
    elif end == "throw":
        made.send(None)
        with pytest.raises(KeyError):
            made.throw(KeyError())
    else:
        if end == "close":
            made.send(None)
        made.close()
        made.close()
    release(name, wire)
    with pytest.raises(RuntimeError, match="awaited already"):
        await made
    with pytest.raises(RuntimeError, match="awaited already"):
        made.send(None)
    assert wire.connection.receive_nowait().data in ("1", b"1")


@pytest.mark.parametrize("name", ALL)
async def test_tasks_show_it(name: str) -> None:
    wire = Wire()
    task = asyncio.create_task(suspended(name, wire), name="a named task")
    await turns()
    assert not task.done()
    assert "a named task" in repr(task)
    assert task.get_coro().__qualname__ in repr(task)  # type: ignore[union-attr]
    assert task.get_stack() == []
    printed = io.StringIO()
    task.print_stack(file=printed)
    assert task.get_coro().__qualname__ in printed.getvalue()  # type: ignore[union-attr]
    release(name, wire)
    await task
    assert "finished" in repr(task)
    assert "result" in repr(task)


@pytest.mark.parametrize("name", ALL)
async def test_dropped_without_a_warning(name: str) -> None:
    # Warnings are errors here: a warning in a finaliser would fail the test.
    wire = Wire()
    for started in (False, True):
        made = suspended(name, wire)
        if started and name in SENDS:
            made.send(None)
        del made
    gc.collect()
    if name in RECEIVES:
        release(name, wire)
        assert wire.connection.receive_nowait().data in ("1", b"1")


VALUES: list[Any] = [
    (),
    (1, 2),
    ((),),
    None,
    ValueError("an instance"),
    ValueError,
    StopIteration(5),
    StopIteration,
    StopAsyncIteration(),
    asyncio.CancelledError(),
    (ValueError, "text"),
    [],
    False,
    ...,
]


@pytest.mark.parametrize("index", range(len(VALUES)))
async def test_any_value_comes_out_as_it_is(index: int) -> None:
    value = VALUES[index]
    wire = Wire(loads=lambda data: value)
    waiting = asyncio.create_task(wire.connection.receive_json())
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2", "3")))
    assert await waiting is value
    assert await wire.connection.receive_json() is value
    with pytest.raises(StopIteration) as stopped:
        wire.connection.receive_json().send(None)
    assert stopped.value.value is value


@pytest.mark.parametrize("error", [ValueError("no JSON"), (LookupError), asyncio.CancelledError()])
async def test_what_loads_raises_is_passed_on_and_the_message_stays_queued(error: Any) -> None:
    def fail(data: str) -> None:
        raise error

    wire = Wire(loads=fail)
    waiting = asyncio.create_task(wire.connection.receive_json())
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2", "3")))
    kind = error if isinstance(error, type) else type(error)
    with pytest.raises(kind):
        await waiting
    with pytest.raises(kind):
        await wire.connection.receive_json()
    assert wire.connection.receive_nowait().data == "1"


@pytest.mark.parametrize("name", RECEIVES)
async def test_no_time_for_wait_for_loses_nothing(name: str) -> None:
    wire = Wire()
    release(name, wire)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(RECEIVES[name](wire.connection), 0)
    assert wire.connection.receive_nowait().data in ("1", b"1")


@pytest.mark.parametrize("name", SENDS)
async def test_a_done_send_finishes_at_the_first_step(name: str) -> None:
    made = SENDS[name](Wire().connection)
    with pytest.raises(StopIteration) as stopped:
        made.send(None)
    assert stopped.value.value is None


@pytest.mark.parametrize("name", ["send", "send_text", "send_bytes", "send_iterable"])
async def test_a_done_send_in_a_task_that_is_cancelled_at_once_has_sent(name: str) -> None:
    wire = Wire()
    task = asyncio.create_task(SENDS[name](wire.connection))
    await cancelled(task)
    assert task.cancelled()
    await asyncio.gather(wire.connection.send("and"), wire.connection.send("then"))
    await turns()
    assert b"".join(wire.sent()) in (b"xandthen", b"xyandthen")


@pytest.mark.parametrize("name", RECEIVES)
async def test_a_dropped_wait_is_freed(name: str) -> None:
    """A receive that was suspended and closed leaves nothing in the queue of waiting receives."""

    class Sentinel:
        pass

    wire = Wire()
    made = suspended(name, wire)
    waiter = made.send(None)
    sentinel = Sentinel()
    gone = weakref.ref(sentinel)
    waiter.add_done_callback(lambda waiter, kept=sentinel: None)
    del sentinel, waiter
    made.close()
    del made
    gc.collect()
    assert gone() is None
