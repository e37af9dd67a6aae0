"""A batch window: the transport is read once in it, and nothing else changes.

No test depends on the length of a window: it is endless, or the test waits for its end.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any
from unittest.mock import Mock

import pytest
from channel.scripted import ScriptedTransport, Wire, cancelled, collect, in_callback, text, turns

import wirespeed

ENDLESS = 3600.0


def resumed(wire: Wire) -> asyncio.Event:
    """Return an event that is set when reading is resumed."""
    event = asyncio.Event()
    wire.transport.on_resume_reading = event.set
    return event


def reading_module() -> Any:
    channel = "_channel_c" if wirespeed.implementation == "compiled" else "_channel"
    return importlib.import_module(f"wirespeed.{channel}.receive.read_flow")


def counts(wire: Wire) -> tuple[int, int]:
    """Return how often reading was paused and resumed."""
    return wire.transport.pauses, wire.transport.resumes


async def test_without_a_window_reading_never_pauses() -> None:
    wire = Wire()
    wire.feed(text("1"))
    await turns()
    assert counts(wire) == (0, 0)


async def test_a_read_opens_a_window_once_the_turn_is_over() -> None:
    wire = Wire(batch_window=ENDLESS)
    wire.feed(text("1"))
    wire.feed(text("2"))
    assert counts(wire) == (0, 0)
    await turns()
    assert counts(wire) == (1, 0)
    assert await wire.connection.receive_many() == ["1", "2"]


async def test_it_ends_and_the_next_read_opens_another() -> None:
    wire = Wire(batch_window=0.001)
    event = resumed(wire)
    for round_number in (1, 2, 3):
        wire.feed(text("x"))
        await event.wait()
        event.clear()
        assert counts(wire) == (round_number, round_number)


async def test_a_waiting_receive_is_served_at_once() -> None:
    wire = Wire(batch_window=ENDLESS)
    received: list[Any] = []

    consumer = asyncio.create_task(collect(wire, received))
    await turns()
    await in_callback(lambda: wire.feed(text("1", "2")))
    assert received == ["1", "2"]
    await cancelled(consumer)


async def test_a_turn_that_brings_much_opens_none() -> None:
    wire = Wire(batch_window=ENDLESS, max_queue_bytes=None)
    wire.feed(text("x" * 70_000))
    await turns()
    assert counts(wire) == (0, 0)
    wire.feed(text("x"))
    await turns()
    assert counts(wire) == (1, 0)


async def test_closing_ends_it_and_opens_no_other() -> None:
    wire = Wire(batch_window=ENDLESS)
    wire.feed(text("1"))
    await turns()
    closing = asyncio.create_task(wire.connection.close())
    await turns()
    assert counts(wire) == (1, 1)
    wire.feed(text("2"))
    await turns()
    assert counts(wire) == (1, 1)
    wire.lose()
    await closing


async def test_a_close_frame_ends_it() -> None:
    wire = Wire(batch_window=ENDLESS)
    wire.feed(text("1") + b"\x88\x00")
    await turns()
    assert wire.transport.pauses == wire.transport.resumes
    wire.lose()
    assert await wire.connection.receive_text() == "1"
    with pytest.raises(wirespeed.ConnectionDisconnected):
        await wire.connection.receive_text()


def test_a_full_queue_outlasts_it() -> None:
    transport, loop = ScriptedTransport(), Mock()
    reading = reading_module().ReadFlow(loop, 1.0)
    reading.attach(transport)
    reading.arrived(100)
    assert reading.hold_back()
    ((end_turn,), _) = loop.call_soon.call_args
    end_turn()
    ((_, end_window), _) = loop.call_later.call_args
    end_window()
    assert (transport.pauses, transport.resumes) == (1, 0)
    reading.release()
    assert (transport.pauses, transport.resumes) == (1, 1)


def end_of_window(sizes: list[int]) -> tuple[Mock, Mock]:
    """Let a window end on a transport whose next reads return `sizes`; return it and the loop."""
    transport, loop = Mock(), Mock()
    transport.is_closing.return_value = False
    reading = reading_module().ReadFlow(loop, 1.0)
    transport.read_waiting.side_effect = sizes
    reading.attach(transport)
    reading.arrived(100)
    loop.call_soon.call_args.args[0]()
    transport.pause_reading.assert_called_once_with()
    loop.call_later.call_args.args[1]()
    return transport, loop


@pytest.mark.parametrize("sizes", [[100, 100], [100, -1], [100, 0]])
def test_windows_follow_each_other_without_resuming(sizes: list[int]) -> None:
    transport, loop = end_of_window(sizes)
    assert loop.call_later.call_count == 2
    transport.resume_reading.assert_not_called()


@pytest.mark.parametrize(
    ("second", "reads"),
    [
        # If the server was held back once, it will be held back again.
        pytest.param(100, [2, 2, 2], id="held back"),
        pytest.param(-1, [2, *[1] * 15, 2, *[1] * 15], id="not held back"),
    ],
)
def test_the_second_read_of_a_window(second: int, reads: list[int]) -> None:
    transport, loop = end_of_window([100, second])
    found = [transport.read_waiting.call_count]
    for _ in reads[1:]:
        transport.read_waiting.reset_mock()
        transport.read_waiting.side_effect = [100, second]
        loop.call_later.call_args.args[1]()
        found.append(transport.read_waiting.call_count)
    assert found == reads


@pytest.mark.parametrize("sizes", [[-1], [0], [70_000, -1], [40_000, 40_000]])
def test_reading_resumes_when_nothing_or_much_came(sizes: list[int]) -> None:
    transport, loop = end_of_window(sizes)
    assert loop.call_later.call_count == 1
    transport.resume_reading.assert_called_once_with()


def test_a_read_that_fills_the_queue_is_the_last() -> None:
    transport, loop = Mock(), Mock()
    transport.is_closing.return_value = False
    reading = reading_module().ReadFlow(loop, 1.0)
    transport.read_waiting.side_effect = lambda: 100 if reading.hold_back() else 0
    reading.attach(transport)
    reading.arrived(100)
    loop.call_soon.call_args.args[0]()
    loop.call_later.call_args.args[1]()
    assert transport.read_waiting.call_count == 1
    loop.call_later.call_args.args[1]()
    transport.resume_reading.assert_not_called()
    reading.release()
    transport.resume_reading.assert_called_once_with()


async def test_a_queue_that_was_full_does_not_end_it() -> None:
    wire = Wire(batch_window=ENDLESS, max_queue=1)
    wire.feed(text("1", "2", "3"))
    await turns()
    assert await wire.connection.receive_many() == ["1", "2", "3"]
    assert counts(wire) == (1, 0)


async def test_a_queue_that_is_emptied_in_the_same_turn_still_rests() -> None:
    wire = Wire(batch_window=ENDLESS, max_queue=1)
    wire.feed(text("1", "2", "3"))
    assert counts(wire) == (1, 0)
    assert await wire.connection.receive_many() == ["1", "2", "3"]
    assert counts(wire) == (1, 1)
    await turns()
    assert counts(wire) == (2, 1)


@pytest.mark.parametrize("inside", [False, True])
async def test_a_lost_connection_leaves_nothing(inside: bool) -> None:
    wire = Wire(batch_window=ENDLESS)
    wire.feed(text("1"))
    if inside:
        await turns()
    wire.lose()
    await turns()
    assert wire.transport.resumes == 0
    assert wire.connection.receive_nowait().data == "1"


@pytest.mark.parametrize(
    ("window", "error"),
    [
        (-1, ValueError),
        (float("inf"), ValueError),
        (float("nan"), ValueError),
        (None, TypeError),
        ("1", TypeError),
        (True, TypeError),
    ],
)
async def test_what_is_no_window(window: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="batch_window"):
        Wire(batch_window=window)


async def test_the_transports_limit_is_set() -> None:
    wire = Wire(write_buffer_size=1234)
    assert wire.transport.limits == [1234]
    assert Wire().transport.limits == []
    with pytest.raises(ValueError, match="write_buffer_size"):
        Wire(write_buffer_size=-1)
