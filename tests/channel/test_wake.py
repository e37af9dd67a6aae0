"""A waiting task is resumed inside the very read that brings its message, whatever it waits with.

The tests see that its work is done when `buffer_updated` returns, before the event loop has run.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, collect, in_callback, seen_after, text, turns

import wirespeed

Way = Callable[[wirespeed.WebSocketConnection], Awaitable[Any]]

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nobody's")


async def plain(ws: wirespeed.WebSocketConnection) -> Any:
    return await ws.receive_json()


async def inner_timeout(ws: wirespeed.WebSocketConnection) -> Any:
    return await ws.receive_json(timeout=30)


async def outer_timeout(ws: wirespeed.WebSocketConnection) -> Any:
    async with asyncio.timeout(30):
        return await ws.receive_json()


async def task(ws: wirespeed.WebSocketConnection) -> Any:
    return await asyncio.create_task(ws.receive_json())


async def gather(ws: wirespeed.WebSocketConnection) -> Any:
    return (await asyncio.gather(ws.receive_json(), asyncio.sleep(0)))[0]


async def wait(ws: wirespeed.WebSocketConnection) -> Any:
    done, _ = await asyncio.wait([asyncio.create_task(ws.receive_json())], timeout=30)
    return done.pop().result()


async def wait_for(ws: wirespeed.WebSocketConnection) -> Any:
    return await asyncio.wait_for(ws.receive_json(), 30)


async def wait_for_ever(ws: wirespeed.WebSocketConnection) -> Any:
    return await asyncio.wait_for(ws.receive_json(), None)


async def shield(ws: wirespeed.WebSocketConnection) -> Any:
    return await asyncio.shield(ws.receive_json())


async def group(ws: wirespeed.WebSocketConnection) -> Any:
    async with asyncio.TaskGroup() as tasks:
        received = tasks.create_task(ws.receive_json())
    return received.result()


async def nested(ws: wirespeed.WebSocketConnection) -> Any:
    async def inner() -> Any:
        return await ws.receive_json()

    return await inner()


async def as_completed(ws: wirespeed.WebSocketConnection) -> Any:
    (result,) = [await first for first in asyncio.as_completed([ws.receive_json()])]
    return result


WAYS: list[Way] = [
    plain,
    inner_timeout,
    outer_timeout,
    task,
    gather,
    wait,
    wait_for,
    wait_for_ever,
    shield,
    group,
    nested,
    as_completed,
]


def eager_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
    """Make a task that starts at once. Event loops differ in the other options they pass."""
    task_class: Any = asyncio.Task
    return task_class(coroutine, loop=loop, **{**options, "eager_start": True})


TASK_FACTORIES: dict[str, Any] = {"lazy": None}
if hasattr(asyncio, "eager_task_factory"):
    TASK_FACTORIES["eager"] = eager_task


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("factory", TASK_FACTORIES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_whatever_it_waits_with(way: Way, factory: str, debug: bool) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(debug)
    loop.set_task_factory(TASK_FACTORIES[factory])
    taken: list[str] = []

    def note(data: str) -> str:
        # This is called in the step that takes the message, in any task.
        assert asyncio.current_task() is not None
        taken.append(data)
        return data

    wire = Wire(loads=note)

    async def consume() -> list[Any]:
        return [await way(wire.connection) for _ in range(3)]

    consumer = asyncio.create_task(consume())
    for number in range(3):
        await turns()
        assert not consumer.done()
        seen = await seen_after(partial(wire.feed, text(str(number))), taken.copy)
        assert seen == [str(n) for n in range(number + 1)]
    assert await consumer == ["0", "1", "2"]


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("way", ["messages", "batches", "many"])
async def test_iterations_take_a_whole_read_in_one_wake(way: str, debug: bool) -> None:
    asyncio.get_running_loop().set_debug(debug)
    wire = Wire()
    received: list[Any] = []

    async def consume() -> None:
        if way == "messages":
            await collect(wire, received)
        elif way == "batches":
            async for batch in wire.connection.batches():
                received.extend(batch)
        else:
            while True:
                received.extend(await wire.connection.receive_many())

    consumer = asyncio.create_task(consume())
    expected = []
    for number in range(3):
        await turns()
        messages = [f"{number} {step}" for step in range(100)]
        expected += messages
        seen = await seen_after(partial(wire.feed, text(*messages)), received.copy)
        assert seen == expected
    await cancelled(consumer)


async def test_one_wake_a_read() -> None:
    """All messages of a read are parsed before a task is woken, so it finds all of them."""
    wire = Wire()
    batches = []

    async def consume() -> None:
        while True:
            batches.append(await wire.connection.receive_many())

    consumer = asyncio.create_task(consume())
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2", "3")))
    await in_callback(lambda: wire.feed(text("4")))
    assert batches == [["1", "2", "3"], ["4"]]
    await cancelled(consumer)


async def test_a_receive_on_a_queue_with_messages_does_not_suspend() -> None:
    wire = Wire()
    wire.feed(text("1", "2", "3", "4", "5", "6"))
    turned: list[bool] = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    assert (await wire.connection.receive()).data == "1"
    assert await wire.connection.receive_text(timeout=5) == "2"
    assert await wire.connection.receive_json() == 3
    assert await wire.connection.receive_many(2) == ["4", "5"]
    async for message in wire.connection:
        assert message == "6"
        break
    assert turned == []


async def test_the_context_and_the_current_task_are_the_consumers() -> None:
    wire = Wire()
    seen = []

    async def consume(name: str) -> None:
        VARIABLE.set(name)
        for _ in range(2):
            await wire.connection.receive()
            seen.append((VARIABLE.get(), asyncio.current_task()))
            VARIABLE.set(VARIABLE.get() + "'")

    tasks = [asyncio.create_task(consume(name)) for name in "ab"]
    await turns()

    def read() -> tuple[str, object]:
        VARIABLE.set("the transport's")
        wire.feed(text("1"))
        return VARIABLE.get(), asyncio.current_task()

    for _ in range(4):
        assert await in_callback(read) == ("the transport's", None)
    await asyncio.gather(*tasks)
    first, second = tasks
    assert seen == [("a", first), ("b", second), ("a'", first), ("b'", second)]
    assert VARIABLE.get() == "nobody's"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_read_inside_a_running_task_wakes_later(way: Way) -> None:
    wire = Wire()
    consumer: asyncio.Task[Any] = asyncio.create_task(way(wire.connection))  # type: ignore[arg-type]
    await turns()
    running = asyncio.current_task()
    wire.feed(text("1", "2"))
    assert asyncio.current_task() is running
    assert not consumer.done()
    assert await consumer == 1
    assert wire.connection.receive_nowait().data == "2"


@pytest.mark.parametrize("way", [plain, inner_timeout, outer_timeout, nested])
async def test_a_read_inside_the_consumers_own_context_wakes_later(way: Way) -> None:
    wire = Wire()
    context = contextvars.copy_context()
    received: list[int] = []

    async def consume() -> None:
        VARIABLE.set("the consumer's")
        await way(wire.connection)
        received.append(len(received))
        await way(wire.connection)
        received.append(len(received))
        await way(wire.connection)
        received.append(len(received))

    consumer = asyncio.create_task(consume(), context=context)
    for number in range(3):
        await turns()
        seen = await seen_after(partial(context.run, wire.feed, text(str(number))), received.copy)
        assert seen == list(range(number))
    await consumer
    assert received == [0, 1, 2]
    assert context[VARIABLE] == "the consumer's"


async def test_nobody_overtakes_a_consumer_whose_context_is_entered() -> None:
    wire = Wire()
    context = contextvars.copy_context()
    received: list[tuple[int, str]] = []

    async def consume(name: int) -> None:
        received.append((name, await wire.connection.receive_text()))

    tasks = [
        asyncio.create_task(consume(0)),
        asyncio.create_task(consume(1), context=context),
        asyncio.create_task(consume(2)),
        asyncio.create_task(consume(3), context=context),
    ]
    await turns()
    seen = await seen_after(
        partial(context.run, wire.feed, text("1", "2", "3", "4")), received.copy
    )
    assert seen == [(0, "1")]
    await asyncio.gather(*tasks)
    assert received == [(0, "1"), (1, "2"), (2, "3"), (3, "4")]


async def test_a_message_between_the_first_step_and_the_wait() -> None:
    """The task has its waiter, but is not attached to it yet: the test does both by hand."""
    wire = Wire()
    receive = wire.connection.receive_text()
    waiter = receive.send(None)
    wire.feed(text("1"))
    called: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    waiter.add_done_callback(called.set_result)
    assert not called.done()
    assert await called is waiter
    with pytest.raises(StopIteration) as stopped:
        receive.send(None)
    assert stopped.value.value == "1"


async def test_the_time_is_up_in_place_too() -> None:
    wire = Wire()
    order = []

    async def consume() -> None:
        with pytest.raises(wirespeed.ReadTimeout):
            await wire.connection.receive(timeout=0.001)
        order.append("timed out")

    await asyncio.create_task(consume())
    assert order == ["timed out"]
    wire.feed(text("1"))
    assert await wire.connection.receive_text() == "1"
