"""When each message was received: the time of the socket read that brought its last byte.

The stamps are compared with the time of that read in `stats`, not with a clock.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from channel.receive.test_queue_model import LANES, OPTIONS
from channel.receive.test_receivers_model import STEPS, Model, Step, Take, note
from channel.scripted import Wire, binary, cancelled, close, in_callback, text, turns
from connections import make_connection
from hypothesis import given, settings, strategies as st
from looprunner import LOOP_FACTORIES
from reference import frame

from wirespeed import Message, MessageType

KINDS: dict[str, dict[str, Any]] = {
    "queue": {},
    "lanes": {"text_queue_maxsize": 1000},
    "undecoded": {"decode_text": False},
}


@pytest.fixture(params=KINDS)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the options of one kind of queue."""
    return {"timestamps": True, "ping_interval": None, **KINDS[request.param]}


def feed(wire: Wire, data: bytes) -> float:
    """Let one read bring `data`; return its time."""
    before = time.monotonic()
    wire.feed(data)
    read_at = wire.connection.stats.last_received_at
    assert read_at is not None
    assert before <= read_at <= time.monotonic()
    return read_at


def data_of(message: Message) -> str:
    """Return the data as text."""
    return message.data.decode() if isinstance(message.data, bytes) else message.data


async def test_without_them_a_message_has_none(options: dict[str, Any]) -> None:
    wire = Wire(**{**options, "timestamps": False})
    wire.feed(text("1", "2"))
    following = wire.connection.peek()
    assert following is not None
    assert following.received_at is None
    assert (await wire.connection.receive()).received_at is None
    assert wire.connection.receive_nowait().received_at is None


async def test_messages_have_the_time_of_their_read(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    ws = wire.connection
    first = feed(wire, text("1", "2") + binary(b"3"))
    second = feed(wire, text("4"))
    assert second > first
    following = ws.peek()
    assert following is not None
    assert following.received_at == first
    received = [await ws.receive(), ws.receive_nowait(), await ws.receive(), ws.receive_nowait()]
    assert [data_of(message) for message in received] == ["1", "2", "3", "4"]
    assert [message.received_at for message in received] == [first, first, first, second]


@pytest.mark.parametrize(
    "parts",
    [
        [text("hello")[:1], text("hello")[1:]],
        [text("hello")[:4], text("hello")[4:]],
        [frame(1, b"he", fin=False), frame(0, b"llo")],
        # This message is read into separate memory.
        [binary(b"x" * 300_000)[:70_000], binary(b"x" * 300_000)[70_000:]],
    ],
    ids=["header", "payload", "fragments", "in place"],
)
async def test_the_read_that_completes_a_message_counts(
    options: dict[str, Any], parts: list[bytes]
) -> None:
    wire = Wire(**options)
    begun = feed(wire, parts[0])
    completed = feed(wire, parts[1])
    message = await wire.connection.receive()
    assert message.received_at == completed > begun


async def test_who_waits_learns_it_too(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    ws = wire.connection
    tasks = [asyncio.create_task(ws.receive()) for _ in range(4)]
    await turns()
    read_at = await in_callback(lambda: feed(wire, text("1", "2")))
    tasks[2].cancel()
    last = feed(wire, text("3"))
    received = [await tasks[number] for number in (0, 1, 3)]
    assert [data_of(message) for message in received] == ["1", "2", "3"]
    assert [message.received_at for message in received] == [read_at, read_at, last]
    await cancelled(tasks[2])


async def test_a_cancelled_receive_gives_back_the_time_as_well(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    receiving = asyncio.create_task(wire.connection.receive())
    await turns()
    # The task is woken here, but has not run.
    read_at = feed(wire, text("1"))
    later = feed(wire, text("2"))
    receiving.cancel()
    await cancelled(receiving)
    received = [await wire.connection.receive() for _ in range(2)]
    assert [data_of(message) for message in received] == ["1", "2"]
    assert [message.received_at for message in received] == [read_at, later]


async def test_receives_of_data_alone_take_the_times_along(options: dict[str, Any]) -> None:
    wire = Wire(**options, loads=lambda data: data)
    ws = wire.connection
    for number in range(0, 12, 2):
        last = feed(wire, text(str(number), str(number + 1)))
    is_decoded = options.get("decode_text", True)
    took = [
        await ws.receive_text(),
        await anext(aiter(ws)),
        await ws.receive_json(),
        *await ws.receive_many(3),
        *await anext(ws.batches(4)),
    ]
    expected = [str(number) for number in range(10)]
    assert took == (expected if is_decoded else [data.encode() for data in expected])
    received = [await ws.receive(), await ws.receive()]
    assert [(data_of(one), one.received_at) for one in received] == [("10", last), ("11", last)]
    wire.feed(text("12", "13"))
    assert len(await ws.receive_many()) == 2
    assert ws.pending == (0, 0)


async def test_what_is_dropped_and_replaced_has_its_own(options: dict[str, Any]) -> None:
    dropped: list[Message] = []
    wire = Wire(
        **options,
        max_queue=2,
        overflow="drop_oldest",
        conflate=lambda message: data_of(message)[0],
        on_drop=dropped.append,
    )
    first = feed(wire, text("a1", "b1"))
    second = feed(wire, text("a2"))
    assert [(data_of(one), one.received_at) for one in dropped] == [("a1", first)]
    following = wire.connection.peek()
    assert following is not None
    assert (data_of(following), following.received_at) == ("a2", second)


async def test_what_is_readable_after_the_end_has_one(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    read_at = feed(wire, text("1") + close())
    wire.lose()
    assert (await wire.connection.receive()).received_at == read_at


async def test_what_the_keys_are_made_of_has_one() -> None:
    seen: list[Message] = []
    wire = Wire(timestamps=True, ping_interval=None, conflate=seen.append)
    read_at = feed(wire, text("1"))
    assert [message.received_at for message in seen] == [read_at]


def test_messages_are_equal_whenever_they_came() -> None:
    early, late = (Message(MessageType.TEXT, "1", received_at) for received_at in (1.0, 2.0))
    assert early == late == Message(MessageType.TEXT, "1")
    assert len({early, late}) == 1
    assert tuple(early) == (MessageType.TEXT, "1")
    assert (early.received_at, Message(MessageType.TEXT, "1").received_at) == (1.0, None)
    match late:
        case Message(kind, data):
            assert (kind, data) == (MessageType.TEXT, "1")


async def test_it_is_true_or_false() -> None:
    with pytest.raises(TypeError, match="timestamps must be True or False, not int"):
        make_connection(timestamps=1)


class Timed(Model):
    """A model that records when each message was read."""

    def __init__(self, **options: Any) -> None:
        self.dropped: list[str] = []
        self.seen: list[Message] = []
        self.stamps: dict[str, float | None] = {}
        super().__init__(on_drop=self._on_drop, timestamps=True, **options)

    def _on_drop(self, message: Message) -> None:
        self.seen.append(message)
        note(self.dropped, message)

    async def _consume(self, share: list[str], take: Take, repeats: int) -> None:
        async def seeing(model: Model) -> Any:
            received = await take(model)
            if isinstance(received, Message):
                self.seen.append(received)
            return received

        await super()._consume(share, seeing, repeats)

    async def step(self, step: Step) -> None:
        """Take one step, and record the time of its read."""
        before = self.fed
        await super().step(step)
        read_at = self.ws.stats.last_received_at
        self.stamps |= {str(number): read_at for number in range(before, self.fed)}
        following = self.ws.peek()
        self.seen += [] if following is None else [following]


async def play(steps: list[Step], options: dict[str, Any]) -> None:
    model = Timed(**options)
    for step in steps:
        await model.step(step)
    left = await model.end()
    everything = [data for share in [*model.shares, left, model.dropped] for data in share]
    assert sorted(everything, key=int) == [str(number) for number in range(model.fed)]
    for message in model.seen:
        assert message.received_at == model.stamps[data_of(message)]


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=150)
@given(steps=STEPS, options=OPTIONS, lanes=st.just({}) | LANES)
def test_any_queue(
    loop_name: str, steps: list[Step], options: dict[str, Any], lanes: dict[str, Any]
) -> None:
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(play(steps, {**options, **lanes}))
