"""Several receivers: served first come, first served, even if the waits of some of them end.

This holds whether a receiver is resumed in place or a turn later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from channel.scripted import Wire, binary, cancelled, close, in_callback, text, turns

import wirespeed
from wirespeed import ConnectionDisconnected, MessageTypeError, ReadTimeout

Feed = Callable[[Wire, bytes], Any]


async def in_place(wire: Wire, data: bytes) -> None:
    """Read while no task is running: receivers are resumed inside the read."""
    await in_callback(lambda: wire.feed(data))


async def later(wire: Wire, data: bytes) -> None:
    """Read while a task is running: receivers are resumed a turn later."""
    wire.feed(data)


FEEDS = pytest.mark.parametrize("feed", [in_place, later], ids=["in_place", "later"])

TYPED: list[Callable[[wirespeed.WebSocketConnection], Any]] = [
    lambda ws: ws.receive_text(),
    lambda ws: ws.receive_text(timeout=30),
    lambda ws: ws.receive_many(1),
    lambda ws: ws.receive_json(),
    lambda ws: ws.__aiter__().__anext__(),
    lambda ws: ws.receive(),
]
RESULTS: list[Callable[[str], Any]] = [
    str,
    str,
    lambda data: [data],
    int,
    str,
    lambda data: wirespeed.Message(wirespeed.MessageType.TEXT, data),
]


async def receivers(wire: Wire, count: int) -> list[asyncio.Task[str]]:
    """Start `count` tasks that wait, in this order."""
    tasks = [asyncio.create_task(wire.connection.receive_text()) for _ in range(count)]
    await turns()
    return tasks


def numbers(start: int, stop: int) -> bytes:
    """Build one text frame for each number."""
    return text(*map(str, range(start, stop)))


@FEEDS
async def test_many_receivers_and_few_messages(feed: Feed) -> None:
    wire = Wire()
    tasks = await receivers(wire, 50)
    for number in range(0, 10, 2):
        await feed(wire, numbers(number, number + 2))
        await turns()
        assert [task.result() for task in tasks if task.done()] == [
            str(n) for n in range(number + 2)
        ]
        assert all(task.done() for task in tasks[: number + 2])
    await cancelled(*tasks)


@FEEDS
async def test_few_receivers_and_many_messages(feed: Feed) -> None:
    wire = Wire()
    tasks = await receivers(wire, 3)
    await feed(wire, numbers(0, 100))
    assert await asyncio.gather(*tasks) == ["0", "1", "2"]
    assert await wire.connection.receive_many() == [str(n) for n in range(3, 100)]


@FEEDS
async def test_every_kind_of_receive_waits_in_the_same_line(feed: Feed) -> None:
    wire = Wire()
    tasks = [asyncio.ensure_future(make(wire.connection)) for make in TYPED * 3]
    await turns()
    await feed(wire, numbers(0, len(tasks)))
    results = await asyncio.gather(*tasks)
    assert results == [RESULTS[n % len(RESULTS)](str(n)) for n in range(len(tasks))]


@FEEDS
async def test_who_comes_again_goes_to_the_end_of_the_line(feed: Feed) -> None:
    wire = Wire()
    served: list[tuple[str, str]] = []

    async def consume(name: str) -> None:
        while True:
            served.append((name, await wire.connection.receive_text()))

    tasks = [asyncio.create_task(consume(name)) for name in "abc"]
    await turns()
    await feed(wire, numbers(0, 7))
    await turns()
    first = dict(reversed(served))
    assert first == {"a": "0", "b": "1", "c": "2"}
    assert sorted(message for _, message in served) == [str(n) for n in range(7)]
    await cancelled(*tasks)


@FEEDS
async def test_a_greedy_iteration_does_not_starve_others(feed: Feed) -> None:
    wire = Wire()
    shares: dict[str, list[str | bytes]] = {"a": [], "b": []}

    async def consume(name: str) -> None:
        async for message in wire.connection:
            shares[name].append(message)

    tasks = [asyncio.create_task(consume(name)) for name in shares]
    await turns()
    for number in range(0, 30, 3):
        await feed(wire, numbers(number, number + 3))
        await turns()
    assert sorted(map(int, shares["a"] + shares["b"])) == list(range(30))
    assert all(shares.values())
    await cancelled(*tasks)


async def test_a_batch_leaves_what_is_set_aside() -> None:
    wire = Wire()
    many = asyncio.create_task(wire.connection.receive_many())
    await turns()
    others = await receivers(wire, 2)
    wire.feed(numbers(0, 3))
    assert await many == ["0"]
    assert await asyncio.gather(*others) == ["1", "2"]


@FEEDS
async def test_a_newcomer_gets_the_message_behind_those_set_aside(feed: Feed) -> None:
    wire = Wire()
    tasks = await receivers(wire, 2)
    await feed(wire, numbers(0, 3))
    assert await wire.connection.receive_text() == "2"
    assert await asyncio.gather(*tasks) == ["0", "1"]


async def test_who_is_resumed_in_place_does_not_overtake_who_is_resumed_later() -> None:
    wire = Wire()
    tasks = await receivers(wire, 3)
    # This runs before the receiver that this task wakes.
    asyncio.get_running_loop().call_soon(wire.feed, text("1", "2"))
    wire.feed(text("0"))
    assert await asyncio.gather(*tasks) == ["0", "1", "2"]


@pytest.mark.parametrize("way", ["cancelled", "wrong_type"])
async def test_one_receiver_never_sees_messages_out_of_order(way: str) -> None:
    """This holds even if another receiver gives back the message that was set aside for it."""
    wire = Wire()
    ws = wire.connection
    received: list[str | bytes] = []

    async def consume() -> None:
        while len(received) < 3:
            received.append((await ws.receive()).data)

    consumer = asyncio.create_task(consume())
    await turns()
    other: asyncio.Task[Any]
    if way == "cancelled":
        other = asyncio.create_task(ws.receive_text())
    else:
        other = asyncio.create_task(ws.receive_bytes())
    await turns()
    wire.feed(numbers(0, 3))
    if way == "cancelled":
        other.cancel()
    await consumer
    await asyncio.gather(other, return_exceptions=True)
    assert received == ["0", "1", "2"]


async def test_who_stands_behind_a_message_that_cannot_be_decoded_is_served() -> None:
    wire = Wire()
    broken = asyncio.create_task(wire.connection.receive_json())
    await turns()
    wire.feed(text("not JSON", "1"))
    behind = asyncio.create_task(wire.connection.receive_text())
    # This starts before the other receiver has run.
    waiting = wire.connection.receive_text()
    waiter = waiting.send(None)
    await turns()
    with pytest.raises(ValueError, match="Expecting value"):
        await broken
    assert await behind == "not JSON"
    assert waiter.done()
    with pytest.raises(StopIteration) as taken:
        waiting.send(None)
    assert taken.value.value == "1"


async def test_the_end_comes_after_the_messages_behind_those_set_aside() -> None:
    wire = Wire()
    (task,) = await receivers(wire, 1)
    wire.feed(numbers(0, 2))
    wire.lose()
    received: list[object] = []
    while not received:
        try:
            received.append(wire.connection.receive_nowait().data)
        except asyncio.QueueEmpty:
            await turns(1)
    assert (await task, received) == ("0", ["1"])


async def test_what_is_set_aside_is_not_taken_by_who_does_not_wait() -> None:
    wire = Wire()
    tasks = await receivers(wire, 2)
    wire.feed(numbers(0, 2))
    with pytest.raises(asyncio.QueueEmpty):
        wire.connection.receive_nowait()
    with pytest.raises(ReadTimeout):
        wire.connection.receive(timeout=0).send(None)
    newcomer = wire.connection.receive_many()
    assert newcomer.send(None) is not None
    newcomer.close()
    assert await asyncio.gather(*tasks) == ["0", "1"]


@pytest.mark.parametrize("victims", [[0], [1], [0, 1], [2], [0, 2], [0, 1, 2, 3]])
async def test_cancelled_after_having_been_woken_passes_on(victims: list[int]) -> None:
    wire = Wire()
    tasks = await receivers(wire, 6)
    # This feed runs in a task: the receivers are woken, but run only in the next turn.
    wire.feed(numbers(0, 4))
    for victim in victims:
        tasks[victim].cancel()
    await turns()
    assert [task.cancelled() for task in tasks] == [n in victims for n in range(6)]
    alive = [task for n, task in enumerate(tasks) if n not in victims]
    assert [task.result() for task in alive[:4]] == [str(n) for n in range(min(4, len(alive)))]
    assert all(not task.done() for task in alive[4:])
    left = 4 - min(4, len(alive))
    assert [wire.connection.receive_nowait().data for _ in range(left)] == [
        str(n) for n in range(4 - left, 4)
    ]
    await cancelled(*tasks)


@FEEDS
@pytest.mark.parametrize("victim", [0, 1, 2])
async def test_cancelled_while_waiting_leaves_the_line(feed: Feed, victim: int) -> None:
    wire = Wire()
    tasks = await receivers(wire, 3)
    tasks[victim].cancel()
    # The task is cancelled, but has not run yet.
    await feed(wire, numbers(0, 2))
    await turns()
    del tasks[victim]
    assert [task.result() for task in tasks] == ["0", "1"]


@pytest.mark.parametrize("woken", [False, True], ids=["waiting", "woken"])
async def test_cancel_keeps_its_message(woken: bool) -> None:
    wire = Wire()
    (task,) = await receivers(wire, 1)
    if woken:
        wire.feed(text("1"))
    task.cancel("the reason")
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    assert raised.value.args == ("the reason",)
    (task,) = await receivers(wire, 1)
    if not woken:
        wire.feed(text("1"))
    assert await task == "1"


async def test_cancel_without_a_message_has_none() -> None:
    wire = Wire()
    (task,) = await receivers(wire, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    assert raised.value.args == ()


@FEEDS
async def test_a_wrong_type_lets_the_next_one_have_the_message(feed: Feed) -> None:
    wire = Wire()
    ws = wire.connection
    wrong: list[asyncio.Task[Any]] = [asyncio.create_task(ws.receive_bytes()) for _ in range(3)]
    right = asyncio.create_task(ws.receive_text())
    wrong.append(asyncio.create_task(ws.receive_text()))
    last = asyncio.create_task(ws.receive())
    await turns()
    await feed(wire, text("1") + binary(b"2"))
    assert await right == "1"
    for task in wrong:
        with pytest.raises(MessageTypeError):
            await task
    assert (await last).data == b"2"


async def test_a_wrong_type_wakes_who_came_after_the_message_was_set_aside() -> None:
    wire = Wire()
    wrong = asyncio.create_task(wire.connection.receive_bytes())
    await turns()
    wire.feed(text("1"))
    right = wire.connection.receive_text()
    waiter = right.send(None)
    await turns()
    with pytest.raises(MessageTypeError):
        await wrong
    assert waiter.done()
    with pytest.raises(StopIteration) as stopped:
        right.send(None)
    assert stopped.value.value == "1"


@FEEDS
async def test_timeouts_among_those_who_wait(feed: Feed) -> None:
    wire = Wire()
    ws = wire.connection
    long = asyncio.create_task(ws.receive_text(timeout=30))
    short = [asyncio.create_task(ws.receive_text(timeout=0.001)) for _ in range(3)]
    last = asyncio.create_task(ws.receive_text())
    await turns()
    for task in short:
        with pytest.raises(ReadTimeout):
            await task
    await feed(wire, numbers(0, 2))
    assert [await long, await last] == ["0", "1"]


async def test_the_message_wins_when_the_time_is_up_too() -> None:
    """A task woken for a message gets it, even if its time runs out before it can run."""
    wire = Wire()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(wire.connection.receive_text(timeout=0.002))
    await turns()
    wire.feed(text("1"))
    until = loop.time() + 0.004
    while loop.time() < until:
        pass
    assert await task == "1"


@FEEDS
async def test_the_end_wakes_everyone(feed: Feed) -> None:
    wire = Wire()
    ws = wire.connection
    tasks = await receivers(wire, 3)

    async def iterate() -> list[str | bytes]:
        return [message async for message in ws]

    iterations = [asyncio.create_task(iterate()) for _ in range(2)]
    batch = asyncio.create_task(ws.receive_many())
    await turns()
    await feed(wire, text("1", "2") + close())
    await turns()
    assert [await task for task in tasks[:2]] == ["1", "2"]
    assert await asyncio.gather(*iterations) == [[], []]
    for task in (tasks[2], batch):
        with pytest.raises(ConnectionDisconnected) as raised:
            await task
        assert raised.value.code == 1000
    wire.lose()
    with pytest.raises(ConnectionDisconnected):
        ws.receive_nowait()


async def test_the_end_while_messages_are_set_aside() -> None:
    wire = Wire()
    tasks = await receivers(wire, 3)
    wire.feed(text("1", "2"))
    wire.lose()
    tasks[0].cancel()
    await turns()
    assert [tasks[1].result(), tasks[2].result()] == ["1", "2"]
    with contextlib.suppress(asyncio.CancelledError):
        await tasks[0]
    with pytest.raises(ConnectionDisconnected):
        await wire.connection.receive()
