"""Receivers of every kind come, go and are cancelled at random: no message is lost or doubled.

The test does not predict which receiver gets which message. It checks what always holds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from channel.scripted import Wire, binary, in_callback, text, turns
from hypothesis import given, settings, strategies as st
from looprunner import LOOP_FACTORIES

import wirespeed

Step: TypeAlias = tuple[Any, ...]
Take: TypeAlias = Callable[["Model"], Awaitable[Any]]

# Even taken together, LONG is far longer than an example runs, and SHORT is almost no time.
LONG = 60.0
SHORT = 0.0005


class Model:
    """One connection, the receivers that were started, and what they have received."""

    def __init__(self, **options: Any) -> None:
        self.wire = Wire(loads=lambda data: data, **options)
        self.fed = 0
        self.shares: list[list[str]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.inner: list[tuple[list[str], asyncio.Task[Any]]] = []

    @property
    def ws(self) -> wirespeed.WebSocketConnection:
        return self.wire.connection

    def frames(self, count: int) -> bytes:
        """Build the next messages; every third one is binary."""
        data = b""
        for number in range(self.fed, self.fed + count):
            data += binary(b"%d" % number) if number % 3 == 0 else text(str(number))
        self.fed += count
        return data

    def begin(self, kind: str, repeats: int) -> None:
        """Start a task that receives `repeats` times in one way."""
        share: list[str] = []
        self.shares.append(share)
        self.tasks.append(asyncio.create_task(self._consume(share, KINDS[kind], repeats)))

    async def _consume(self, share: list[str], take: Take, repeats: int) -> None:
        for _ in range(repeats):
            with contextlib.suppress(TimeoutError, wirespeed.MessageTypeError):
                note(share, await take(self))

    def start_inner(self, waiting: Any) -> asyncio.Task[Any]:
        """Receive in a separate task: once finished, it owns its message."""
        task = asyncio.create_task(waiting)
        share: list[str] = []
        self.shares.append(share)
        self.inner.append((share, task))
        return task

    async def step(self, step: Step) -> None:
        """Take one step of an example."""
        match step:
            case ("begin", kind, repeats):
                self.begin(kind, repeats)
            case ("cancel", index) if self.tasks:
                self.tasks[index % len(self.tasks)].cancel("by the model")
            case ("cancel_inner", index) if self.inner:
                self.inner[index % len(self.inner)][1].cancel()
            case ("read", count):
                await in_callback(lambda: self.wire.feed(self.frames(count)))
            case ("read_in_task", count):
                self.wire.feed(self.frames(count))
            case ("turns", count):
                await turns(count)
            case ("nowait",):
                self.shares.append([])
                with contextlib.suppress(asyncio.QueueEmpty):
                    note(self.shares[-1], self.ws.receive_nowait())
            case ("sleep",):
                await asyncio.sleep(2 * SHORT)

    async def end(self) -> list[str]:
        """Cancel all receivers; return what is still queued."""
        await turns()
        tasks = [*self.tasks, *(task for _, task in self.inner)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for share, task in self.inner:
            if not task.cancelled() and task.exception() is None:
                note(share, task.result())
        left: list[str] = []
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                note(left, self.ws.receive_nowait())
        return left


def note(share: list[str], received: Any) -> None:
    """Add the result of any kind of receive."""
    if isinstance(received, wirespeed.Message):
        received = received.data
    batch = received if isinstance(received, list) else [received]
    share.extend(data.decode() if isinstance(data, bytes) else data for data in batch)


async def with_timeout(model: Model) -> Any:
    async with asyncio.timeout(SHORT):
        return await model.ws.receive()


async def from_a_task(model: Model) -> None:
    # The result is counted with the inner task, which this task may leave behind.
    await asyncio.shield(model.start_inner(model.ws.receive_many(2)))


KINDS: dict[str, Take] = {
    "receive": lambda model: model.ws.receive(),
    "long": lambda model: model.ws.receive(timeout=LONG),
    "short": lambda model: model.ws.receive(timeout=SHORT),
    "no_time": lambda model: model.ws.receive(timeout=0),
    "text": lambda model: model.ws.receive_text(),
    "bytes": lambda model: model.ws.receive_bytes(timeout=LONG),
    "json": lambda model: model.ws.receive_json(),
    "many": lambda model: model.ws.receive_many(),
    "many_short": lambda model: model.ws.receive_many(3, timeout=SHORT),
    "next": lambda model: model.ws.__aiter__().__anext__(),
    "batch": lambda model: model.ws.batches(2).__anext__(),
    "timeout": with_timeout,
    "wait_for": lambda model: asyncio.wait_for(model.ws.receive_text(), SHORT),
}


async def inner(model: Model) -> list[str]:
    with contextlib.suppress(wirespeed.MessageTypeError):
        await from_a_task(model)
    return []


KINDS["task"] = inner

INDEXES = st.integers(0, 50)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.sampled_from(sorted(KINDS)), st.integers(1, 4)),
        st.tuples(st.just("begin"), st.just("receive"), st.just(1)),
        st.tuples(st.just("cancel"), INDEXES),
        st.tuples(st.just("cancel_inner"), INDEXES),
        st.tuples(st.just("read"), st.integers(0, 6)),
        st.tuples(st.just("read_in_task"), st.integers(0, 6)),
        st.tuples(st.just("turns"), st.integers(1, 4)),
        st.tuples(st.just("nowait")),
        st.tuples(st.just("sleep")),
    ),
    max_size=40,
)


async def play(steps: list[Step], max_queue: int | None) -> None:
    model = Model(max_queue=max_queue)
    for step in steps:
        await model.step(step)
    left = await model.end()
    everything = [data for share in [*model.shares, left] for data in share]
    assert sorted(everything, key=int) == [str(number) for number in range(model.fed)]
    for share in [*model.shares, left]:
        assert share == sorted(share, key=int)
    with pytest.raises(wirespeed.ReadTimeout):
        await model.ws.receive(timeout=0)
    assert model.wire.transport.pauses == model.wire.transport.resumes
    # No receiver has left anything behind: the next one is served like the first one.
    last = asyncio.create_task(model.ws.receive_many())
    await turns()
    await in_callback(lambda: model.wire.feed(text("a", "b")))
    assert last.result() == ["a", "b"]


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=150)
@given(steps=STEPS, max_queue=st.sampled_from([None, 1, 4]))
def test_no_message_is_lost_or_doubled(
    loop_name: str, steps: list[Step], max_queue: int | None
) -> None:
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(play(steps, max_queue))


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=100)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("read"), st.integers(0, 4)),
            st.tuples(st.just("cancel"), INDEXES),
            st.tuples(st.just("turns"), st.just(2)),
            st.tuples(st.just("begin"), st.just("receive"), st.just(1)),
        ),
        max_size=40,
    )
)
def test_those_who_wait_are_served_in_order(loop_name: str, steps: list[Step]) -> None:
    """If each receives once, the messages are in the order of the receivers."""

    async def run() -> None:
        model = Model(max_queue=None)
        for step in steps:
            await model.step(step)
            await turns(3)
        left = await model.end()
        served = [share for share in model.shares if share]
        assert all(len(share) == 1 for share in served)
        assert [share[0] for share in served] + left == [str(number) for number in range(model.fed)]

    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(run())
