"""Whatever the queue does about too many messages, each is received or dropped exactly once.

The test does not predict which receiver gets which message. If no receiver waits, it compares
the queue with a list.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channel.receive.test_receivers_model import STEPS, Model, Step, note
from channel.scripted import Wire, binary, text
from hypothesis import given, settings, strategies as st
from looprunner import LOOP_FACTORIES

import wirespeed

POLICIES = ["pause", "drop_oldest", "drop_newest"]
BOUNDS = st.sampled_from([None, 0, 1, 2, 5])
OPTIONS = st.fixed_dictionaries(
    {
        "overflow": st.sampled_from(POLICIES),
        "max_queue": BOUNDS,
        # The messages are numbers, of one or two bytes each.
        "max_queue_bytes": st.sampled_from([None, 1, 3, 8]),
        "conflate": st.sampled_from([None, None, lambda message: int(message.data) % 4]),
    }
)
LANES = st.fixed_dictionaries(
    {"text_queue_maxsize": BOUNDS, "binary_queue_maxsize": st.sampled_from([0, 1, 4])}
)


async def play(steps: list[Step], options: dict[str, Any]) -> None:
    dropped: list[str] = []
    model = Model(on_drop=lambda message: note(dropped, message), **options)
    for step in steps:
        await model.step(step)
        if options["overflow"] != "pause":
            assert model.wire.transport.pauses == 0
    pending = model.ws.pending.messages
    left = await model.end()
    everything = [data for share in [*model.shares, left, dropped] for data in share]
    assert sorted(everything, key=int) == [str(number) for number in range(model.fed)]
    assert model.ws.dropped == (len(dropped), sum(map(len, dropped)))
    assert model.ws.pending == (0, 0)
    assert pending <= model.fed
    if options["conflate"] is None:
        check_order([*model.shares, left], has_lanes="binary_queue_maxsize" in options)
    assert model.wire.transport.pauses == model.wire.transport.resumes
    with pytest.raises(wirespeed.ReadTimeout):
        await model.ws.receive(timeout=0)


def check_order(shares: list[list[str]], *, has_lanes: bool) -> None:
    """Check that each receiver sees rising numbers; with lanes, rising numbers in each lane."""
    for share in shares:
        lanes = [[data for data in share if (int(data) % 3 == 0) == kind] for kind in (True, False)]
        for part in lanes if has_lanes else [share]:
            assert part == sorted(part, key=int)


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=150)
@given(steps=STEPS, options=OPTIONS)
def test_one_queue(loop_name: str, steps: list[Step], options: dict[str, Any]) -> None:
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(play(steps, options))


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=200)
@given(steps=STEPS, options=OPTIONS, lanes=LANES)
def test_two_lanes(
    loop_name: str, steps: list[Step], options: dict[str, Any], lanes: dict[str, Any]
) -> None:
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(play(steps, {**options, **lanes}))


class Queue:
    """The rules in the plainest form: one list, or one for each type."""

    def __init__(self, options: dict[str, Any], *, has_lanes: bool) -> None:
        self.options = options
        self.has_lanes = has_lanes
        self.queues: dict[bool, list[int]] = {False: [], True: []}
        self.dropped: set[int] = set()
        self.places: dict[int, int] = {}

    def read(self, numbers: range) -> None:
        brought: dict[bool, list[int]] = {False: [], True: []}
        for number in numbers:
            brought[self.has_lanes and number % 3 == 0].append(number)
        for lane, fresh in brought.items():
            if fresh:
                self.admit(lane, fresh)

    def admit(self, lane: bool, fresh: list[int]) -> None:
        queue = self.queues[lane]
        for number in fresh:
            self.places[number] = number
            key_of = self.options["conflate"]
            same = [
                index
                for index, other in enumerate(queue)
                if key_of is not None and other % 4 == number % 4
            ]
            if same:
                self.dropped.add(queue[same[0]])
                self.places[number] = self.places[queue[same[0]]]
                queue[same[0]] = number
            else:
                queue.append(number)
        while self.is_over(lane, queue):
            self.dropped.add(queue.pop(0 if self.options["overflow"] == "drop_oldest" else -1))

    def is_over(self, lane: bool, queue: list[int]) -> bool:
        limit = self.options["max_queue"]
        if self.has_lanes:
            own = self.options["binary_queue_maxsize" if lane else "text_queue_maxsize"]
            limit = limit if own is None else own
        most = self.options["max_queue_bytes"]
        return (limit is not None and len(queue) > limit) or (
            most is not None and len(queue) > 1 and sum(len(str(one)) for one in queue) > most
        )

    def in_order(self) -> list[int]:
        return sorted(self.queues[False] + self.queues[True], key=self.places.__getitem__)

    def take(self, numbers: list[int]) -> None:
        for queue in self.queues.values():
            queue[:] = [number for number in queue if number not in numbers]


@settings(deadline=None, max_examples=400)
@given(
    options=OPTIONS.filter(lambda options: options["overflow"] != "pause"),
    lanes=st.none() | LANES,
    steps=st.lists(
        st.tuples(st.just("read"), st.integers(1, 9))
        | st.tuples(st.sampled_from(["take", "many", "text", "bytes"]), st.integers(1, 4)),
        max_size=30,
    ),
)
def test_where_nobody_waits_it_is_a_list(
    options: dict[str, Any], lanes: dict[str, Any] | None, steps: list[Step]
) -> None:
    asyncio.run(compare({**options, **(lanes or {})}, lanes is not None, steps))


async def compare(options: dict[str, Any], has_lanes: bool, steps: list[Step]) -> None:
    dropped: set[int] = set()
    wire = Wire(on_drop=lambda message: dropped.add(int(message.data)), **options)
    ws = wire.connection
    queue = Queue(options, has_lanes=has_lanes)
    fed = 0
    for what, count in steps:
        if what == "read":
            numbers = range(fed, fed + count)
            fed += count
            wire.feed(b"".join(map(frame, numbers)))
            queue.read(numbers)
        else:
            queue.take(await take(ws, what, count, queue))
        expected = queue.in_order()
        assert ws.pending == (len(expected), sum(len(str(number)) for number in expected))
        following = ws.peek()
        assert (following and int(following.data)) == (expected[0] if expected else None)
        assert dropped == queue.dropped
        assert ws.dropped == (len(dropped), sum(len(str(number)) for number in dropped))
    assert [int(data) for data in await drained(ws)] == queue.in_order()


def frame(number: int) -> bytes:
    return binary(b"%d" % number) if number % 3 == 0 else text(str(number))


async def take(ws: wirespeed.WebSocketConnection, what: str, count: int, queue: Queue) -> list[int]:
    """Take messages in one way, and compare them with the model's."""
    expected = queue.in_order()
    received: list[Any] = []
    if what == "many":
        if expected:
            received = await ws.receive_many(count)
        assert [int(data) for data in received] == expected[:count]
    elif what == "take":
        if expected:
            received = [ws.receive_nowait().data]
        assert [int(data) for data in received] == expected[:1]
    elif queue.has_lanes:
        own = queue.queues[what == "bytes"]
        receive: Any = ws.receive_text if what == "text" else ws.receive_bytes
        if own:
            received = [await receive()]
        else:
            with pytest.raises(wirespeed.ReadTimeout):
                await receive(timeout=0)
        assert [int(data) for data in received] == own[:1]
    return [int(data) for data in received]


async def drained(ws: wirespeed.WebSocketConnection) -> list[Any]:
    """Receive everything that is queued."""
    return await ws.receive_many() if ws.peek() is not None else []
