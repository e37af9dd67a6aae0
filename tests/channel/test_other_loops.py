"""A send from a second event loop, while the connection's own is stopped, raises an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from channel.scripted import Wire, ping
from looprunner import LOOP_FACTORIES
from sources import finished

import wirespeed

SENDS: dict[str, Callable[[wirespeed.WebSocketConnection], Coroutine[Any, Any, object]]] = {
    "send": lambda ws: ws.send("x"),
    "send_iterable": lambda ws: ws.send(["x", "y"]),
    "send_asynchronous": lambda ws: ws.send(finished("x")),
    "send_stream": lambda ws: ws.send_stream(["x"]),
    "send_large": lambda ws: ws.send(b"x" * 200_000),
    "send_text": lambda ws: ws.send_text("x"),
    "send_bytes": lambda ws: ws.send_bytes(b"x"),
    "send_json": lambda ws: ws.send_json(1),
    "send_many": lambda ws: ws.send_many(["x"]),
    "ping": lambda ws: ws.ping(),
}


@pytest.fixture(params=LOOP_FACTORIES)
def loops(request: pytest.FixtureRequest) -> Iterator[list[asyncio.AbstractEventLoop]]:
    """Return two event loops of one kind, neither of which runs."""
    made = [LOOP_FACTORIES[request.param]() for _ in range(2)]
    yield made
    for loop in made:
        loop.close()


async def opened() -> Wire:
    wire = Wire()
    await wire.connection.send("first")
    return wire


@pytest.mark.parametrize("name", SENDS)
def test_a_send_from_another_loop(loops: list[asyncio.AbstractEventLoop], name: str) -> None:
    own, other = loops
    wire = own.run_until_complete(opened())

    async def send() -> None:
        with pytest.raises(RuntimeError, match="own event loop"):
            await SENDS[name](wire.connection)

    other.run_until_complete(send())
    other.run_until_complete(send())

    async def go_on() -> None:
        await wire.connection.send("last")

    own.run_until_complete(go_on())
    assert wire.sent() == [b"first", b"last"]


def test_a_send_while_no_loop_runs(loops: list[asyncio.AbstractEventLoop]) -> None:
    wire = loops[0].run_until_complete(opened())
    sending = wire.connection.send("between")
    loops[0].run_until_complete(asyncio.sleep(0))
    sending.close()
    assert wire.sent() == [b"first", b"between"]


async def test_a_send_inside_a_wake() -> None:
    wire = Wire()

    async def answer() -> None:
        await wire.connection.receive()
        await wire.connection.send("answer")

    answering = asyncio.create_task(answer())
    await asyncio.sleep(0)
    wire.feed(b"\x81\x01x" + ping())
    await answering
    assert b"answer" in wire.sent()
