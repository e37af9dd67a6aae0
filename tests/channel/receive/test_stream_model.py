"""Messages in any fragments, received whole or in chunks by turns: what was sent arrives.

The test does not predict where a message is cut. It checks what its chunks add up to.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

import pytest
import reference
from channel.scripted import Wire, cancelled, in_callback, ping, turns
from hypothesis import given, settings, strategies as st
from looprunner import LOOP_FACTORIES
from rawserver import BINARY, CONTINUATION, TEXT

MESSAGES = st.lists(
    st.one_of(st.text(max_size=30), st.binary(max_size=60), st.text("aé中😀", min_size=50)),
    min_size=1,
    max_size=8,
)
WAYS = st.lists(
    st.sampled_from(["receive", "stream", "cancelled", "left", "nowait"]), min_size=1, max_size=6
)
OPTIONS: dict[str, dict[str, Any]] = {
    "queue": {},
    "tight": {"max_queue_bytes": 5, "max_queue": 1, "max_message_size": None},
    "lanes": {"text_queue_maxsize": 3},
}


def frames(message: str | bytes, cuts: list[int]) -> bytes:
    """Build one message, cut into fragments, with Pings between them."""
    payload = message.encode() if isinstance(message, str) else message
    ends = [*sorted({cut % (len(payload) + 1) for cut in cuts}), len(payload)]
    opcode = TEXT if isinstance(message, str) else BINARY
    data, at = b"", 0
    for number, end in enumerate(ends):
        part = payload[at:end]
        data += reference.frame(
            CONTINUATION if number else opcode, part, fin=number == len(ends) - 1
        )
        data += ping() if number < len(ends) - 1 else b""
        at = end
    return data


async def take(wire: Wire, way: str) -> Any:
    """Take the next message in one way; return `None` for one that is left early."""
    ws = wire.connection
    if way == "receive":
        return (await ws.receive()).data
    if way == "nowait":
        while True:
            with contextlib.suppress(asyncio.QueueEmpty):
                return ws.receive_nowait().data
            await asyncio.sleep(0)
    if way == "left":
        async for _ in ws.receive_stream():
            return None
        return None
    stream = ws.receive_stream()
    chunks: list[Any] = []
    while True:
        waiting = asyncio.ensure_future(anext(stream))
        if way == "cancelled":
            await turns(len(chunks) % 3)
            waiting.cancel()
            await asyncio.wait([waiting])
            if waiting.cancelled():
                waiting = asyncio.ensure_future(anext(stream))
        try:
            chunks.append(await waiting)
            assert chunks[-1]
        except StopAsyncIteration:
            assert stream.type is not None
            empty: Any = "" if stream.type == TEXT else b""
            return empty.join(chunks)


async def play(
    messages: list[str | bytes], *, cuts: list[int], sizes: list[int], ways: list[str], options: str
) -> None:
    wire = Wire(ping_interval=None, **OPTIONS[options])
    got: list[Any] = []

    async def consume() -> None:
        for number in range(len(messages)):
            # The next message is taken only after this one.
            got.append(await take(wire, ways[number % len(ways)]))  # noqa: PERF401

    task = asyncio.create_task(consume())
    data = b"".join(frames(message, cuts) for message in messages)
    turn = 0
    while data:
        # While reading is paused, nothing is read until a consumer takes messages.
        while wire.transport.pauses > wire.transport.resumes:
            await turns(1)
        size = sizes[turn % len(sizes)]
        read, data, turn = data[:size], data[size:], turn + 1
        await in_callback(partial(wire.feed, read))
    await task
    expected = [
        None if ways[number % len(ways)] == "left" else message
        for number, message in enumerate(messages)
    ]
    assert got == expected
    await turns()
    assert wire.transport.pauses == wire.transport.resumes
    assert wire.connection.pending == (0, 0)
    assert wire.connection.stats.messages_received == len(messages)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=60)
@given(
    messages=MESSAGES,
    cuts=st.lists(st.integers(0, 100), max_size=4),
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    ways=WAYS,
)
def test_in_any_fragments_and_by_turns(
    *,
    loop_name: str,
    options: str,
    messages: list[str | bytes],
    cuts: list[int],
    sizes: list[int],
    ways: list[str],
) -> None:
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(
            asyncio.wait_for(play(messages, cuts=cuts, sizes=sizes, ways=ways, options=options), 30)
        )


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["receive", "stream"]), st.just(0)),
            st.tuples(st.just("cancel"), st.integers(0, 20)),
            st.tuples(st.just("read"), st.integers(1, 40)),
            st.tuples(st.just("turns"), st.integers(1, 3)),
        ),
        max_size=40,
    ),
    cuts=st.lists(st.integers(0, 20), max_size=3),
    has_lanes=st.booleans(),
)
def test_receivers_of_both_kinds_come_and_go(
    loop_name: str, steps: list[tuple[str, int]], cuts: list[int], *, has_lanes: bool
) -> None:
    """Each message arrives once, unless a stream took a part of it and left the rest."""

    async def run() -> None:
        wire = Wire(ping_interval=None, **(OPTIONS["lanes"] if has_lanes else {}))
        texts = [f"{number}:{'é' * number}." for number in range(12)]
        data = b"".join(frames(text, cuts) for text in texts)
        whole: list[str] = []
        begun: list[list[Any]] = []
        tasks: list[asyncio.Task[None]] = []

        async def receive() -> None:
            whole.append(str((await wire.connection.receive()).data))

        async def stream() -> None:
            stream = wire.connection.receive_stream()
            chunks: list[Any] = []
            begun.append(chunks)
            async for chunk in stream:
                # The loop may be cancelled at any time; the chunks so far must stay.
                chunks.append(chunk)  # noqa: PERF401

        for step, number in steps:
            if step == "receive":
                tasks.append(asyncio.create_task(receive()))
            elif step == "stream":
                tasks.append(asyncio.create_task(stream()))
            elif step == "cancel" and tasks:
                tasks[number % len(tasks)].cancel()
            elif step == "read":
                read, data = data[:number], data[number:]
                await in_callback(partial(wire.feed, read))
            else:
                await turns(number)
        wire.feed(data)
        await turns()
        await cancelled(*tasks)
        await turns()
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                whole.append(str(wire.connection.receive_nowait().data))
        parts = ["".join(chunks) for chunks in begun]
        for text in texts:
            times = whole.count(text) + parts.count(text)
            was_left = any(part and text.startswith(part) for part in parts)
            assert times == 1 or (times == 0 and was_left)
        for part in parts:
            assert not part or any(text.startswith(part) for text in texts)
        assert len(whole) + len(parts) >= len(texts)

    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        runner.run(asyncio.wait_for(run(), 30))
