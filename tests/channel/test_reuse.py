"""A finished receive object is used again, and no caller notices.

Pure Python never reuses them; the tests pass there too.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channel.scripted import Wire, cancelled, text


async def test_receives_made_before_any_is_awaited() -> None:
    wire = Wire()
    wire.feed(text("1") + text("2") + text("3"))
    receives = [wire.connection.receive_text() for _ in range(3)]
    assert [await receive for receive in receives] == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["receive", "receive_text", "receive_json", "receive_many"])
async def test_who_keeps_a_receive_keeps_it_for_good(name: str) -> None:
    wire = Wire()
    wire.feed(text("1") + text("2"))
    kept = getattr(wire.connection, name)()
    await kept
    wire.feed(text("3"))
    await getattr(wire.connection, name)()
    with pytest.raises(RuntimeError, match="awaited already"):
        await kept


async def test_one_that_was_never_awaited_takes_nothing() -> None:
    wire = Wire()
    wire.connection.receive_text(timeout=0).close()
    _never_awaited: Any = wire.connection.receive_text()
    del _never_awaited
    wire.feed(text("1"))
    assert await wire.connection.receive_text() == "1"


async def test_each_has_its_own_timeout_and_limit() -> None:
    wire = Wire()
    wire.feed(text("1") + text("2") + text("3"))
    assert await wire.connection.receive_many(max_messages=1, timeout=0) == ["1"]
    assert await wire.connection.receive_many() == ["2", "3"]
    waiting = asyncio.create_task(_receive_many(wire))
    await asyncio.sleep(0)
    assert not waiting.done()
    wire.feed(text("4"))
    assert await waiting == ["4"]


async def _receive_many(wire: Wire) -> list[str | bytes]:
    return await wire.connection.receive_many()


async def _receive_text(wire: Wire) -> str:
    return await wire.connection.receive_text()


async def test_one_that_was_given_up_while_it_waited() -> None:
    wire = Wire()

    async def step() -> Any:
        return await wire.connection.receive_text(timeout=3600)

    waiting = asyncio.create_task(step())
    await asyncio.sleep(0)
    await cancelled(waiting)
    wire.feed(text("1") + text("2"))
    assert await step() == "1"
    assert await wire.connection.receive_text(timeout=0) == "2"


async def test_kinds_in_turn() -> None:
    wire = Wire(loads=list)
    wire.feed(b"".join(text(letter) for letter in "abcdef"))
    stream = aiter(wire.connection)
    assert await anext(stream) == "a"
    assert (await wire.connection.receive()).data == "b"
    assert await wire.connection.receive_json() == ["c"]
    assert await wire.connection.receive_text() == "d"
    assert await anext(stream) == "e"
    assert await wire.connection.receive_many() == ["f"]


async def test_a_receive_inside_another() -> None:
    wire: Wire
    wire = Wire(loads=lambda data: (data, _drive(wire.connection.receive_text())))
    wire.feed(text("outer") + text("inner"))
    assert await wire.connection.receive_json() == ("outer", "inner")


def _drive(receive: Any) -> Any:
    with pytest.raises(StopIteration) as caught:
        receive.send(None)
    return caught.value.value


async def test_a_whole_task_inside_a_receive() -> None:
    wire: Wire
    wire = Wire(loads=lambda data: (data, _drive(_receive_text(wire))))
    wire.feed(text("outer") + text("inner"))
    assert await wire.connection.receive_json() == ("outer", "inner")


async def test_stop_iteration_from_loads_is_an_error() -> None:
    wire = Wire(loads=lambda _: next(iter(())))
    wire.feed(text("1") + text("2"))
    with pytest.raises(RuntimeError, match="StopIteration"):
        await wire.connection.receive_json()
    assert await wire.connection.receive_many() == ["1", "2"]
