"""Event loops in several threads at once, each with connections of its own.

On a free-threaded interpreter the threads run in parallel. What they share without protection, such
as a read buffer or a block of masking keys, mixes up their messages or crashes there.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from looprunner import LOOP_FACTORIES
from websockets.asyncio.server import ServerConnection, serve

import wirespeed
from wirespeed import WebSocketConnection

THREADS = 4
CONNECTIONS = 3
ROUNDS = 4
PATIENCE_SECONDS = 60.0
# The messages that one connection sends, and receives, in all exchanges below.
EXCHANGED = (606, 606)

Payload = str | bytes


def payloads(name: str) -> list[Payload]:
    """Return messages of every size class and kind; each says whose it is."""
    return [
        f"{name} short",
        f"{name} naïve Ελλάδα 🐍" * 20,
        name.encode() * 40,
        # Over 64 KiB, a frame is received into memory of its own.
        name.encode() * 12_000,
        f"{name} long " * 30_000,
    ]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@contextlib.asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """Run a server in this event loop, which agrees to compression if it is offered."""
    async with serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"ws://{host}:{port}/"


async def one_by_one(ws: WebSocketConnection, name: str) -> None:
    for payload in payloads(name):
        await ws.send(payload)
        assert (await ws.receive(timeout=PATIENCE_SECONDS)).data == payload


async def burst(ws: WebSocketConnection, name: str) -> None:
    numbered = [f"{name} {number}" for number in range(500)]
    await ws.send_many(numbered)
    received: list[Payload] = []
    while len(received) < len(numbered):
        received += await ws.receive_many(timeout=PATIENCE_SECONDS)
    assert received == numbered


async def typed(ws: WebSocketConnection, name: str) -> None:
    for number in range(50):
        await ws.send_json({name: number})
        assert await ws.receive_json(timeout=PATIENCE_SECONDS) == {name: number}
        await ws.send_json([name, number])
        answer = await ws.receive_json(type=list[Any], timeout=PATIENCE_SECONDS)
        assert answer == [name, number]


async def streamed(ws: WebSocketConnection, name: str) -> None:
    await ws.send([f"{name} ", "in ", "parts"])
    assert await ws.receive_text(timeout=PATIENCE_SECONDS) == f"{name} in parts"
    await ws.ping()


async def converse(
    url: str, name: str, compression: Literal["deflate"] | None
) -> tuple[int | None, int, int]:
    """Exchange messages of all kinds over one connection after another.

    Returns:
        the close code of the last one, and how many messages it sent and received.
    """
    for round_number in range(ROUNDS):
        async with wirespeed.connect(url, compression=compression) as ws:
            for exchange in (one_by_one, burst, typed, streamed):
                await exchange(ws, f"{name}.{round_number}")
    return ws.close_code, ws.stats.messages_sent, ws.stats.messages_received


async def use_connections(name: str, start: threading.Barrier) -> list[Any]:
    async with echo_server() as url:
        start.wait(PATIENCE_SECONDS)
        return await asyncio.gather(
            *(
                converse(url, f"{name}.{number}", None if number else "deflate")
                for number in range(CONNECTIONS)
            )
        )


def in_threads(*calls: Callable[[threading.Barrier], Any]) -> list[Any]:
    """Make the calls at the same time, each in a thread; return their results."""
    start = threading.Barrier(len(calls))
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call, start) for call in calls]]


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
def test_loops_in_several_threads(loop_name: str) -> None:
    def run(number: int) -> Callable[[threading.Barrier], list[Any]]:
        def call(start: threading.Barrier) -> list[Any]:
            with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
                return runner.run(use_connections(f"thread {number}", start))

        return call

    ends = [end for of_thread in in_threads(*map(run, range(THREADS))) for end in of_thread]
    # Each connection has counted its own messages only.
    assert ends == [(1000, *EXCHANGED)] * (THREADS * CONNECTIONS)


def look(ws: WebSocketConnection) -> None:
    """Read all that a connection tells; what belongs to its own thread may be refused."""
    for name in dir(type(ws)):
        if not name.startswith("_"):
            with contextlib.suppress(RuntimeError, AttributeError):
                getattr(ws, name)
    repr(ws)
    with contextlib.suppress(RuntimeError):
        ws.receive_nowait()


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
def test_another_thread_looks_at_a_connection_in_use(loop_name: str) -> None:
    opened: list[WebSocketConnection] = []
    over = threading.Event()

    async def use(start: threading.Barrier) -> None:
        async with echo_server() as url, wirespeed.connect(url) as ws:
            opened.append(ws)
            start.wait(PATIENCE_SECONDS)
            for number in range(ROUNDS):
                for exchange in (one_by_one, burst, typed, streamed):
                    await exchange(ws, str(number))

    def run(start: threading.Barrier) -> None:
        try:
            with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
                runner.run(use(start))
        finally:
            over.set()

    def watch(start: threading.Barrier) -> int:
        start.wait(PATIENCE_SECONDS)
        looks = 0
        while not over.is_set():
            look(opened[0])
            looks += 1
        return looks

    _, looks, more = in_threads(run, watch, watch)
    assert looks
    assert more
    assert opened[0].close_code == 1000
