"""The recipe for programs without asyncio; the server runs in the loop of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

import wirespeed
from examples.threads.threads import Connection


async def answer(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "count":
            for number in range(1000):
                await connection.send(str(number))
            return
        if message == "drop":
            connection.transport.abort()
            return
        await connection.send(message)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    async with serve(answer, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_calls_timeouts_and_iteration() -> None:
    def program(url: str) -> None:
        with Connection(url) as ws:
            ws.send("a")
            assert ws.receive(timeout=30) == "a"
            ws.send(b"b")
            assert ws.receive() == b"b"
            ws.send_json([1])
            assert ws.receive() == "[1]"
            with pytest.raises(wirespeed.ReadTimeout):
                ws.receive(timeout=0.01)
            ws.send("count")
            assert list(ws) == [str(number) for number in range(1000)]
            with pytest.raises(wirespeed.ConnectionDisconnected):
                ws.receive()
        ws.close()
        with pytest.raises(RuntimeError, match="closed"):
            ws.send("x")

    async with serving() as url:
        await asyncio.to_thread(program, url)


async def test_many_threads_use_it_at_once() -> None:
    def program(url: str) -> None:
        with Connection(url) as ws:
            received: list[str | bytes] = []

            def call(number: int) -> None:
                ws.send(str(number))
                received.append(ws.receive(timeout=30))

            threads = [threading.Thread(target=call, args=[number]) for number in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(map(int, received)) == list(range(20))

    async with serving() as url:
        await asyncio.to_thread(program, url)


async def test_a_lost_connection_ends_the_iteration() -> None:
    def program(url: str) -> None:
        with Connection(url) as ws:
            ws.send("drop")
            with pytest.raises(wirespeed.ConnectionDisconnected):
                list(ws)

    async with serving() as url:
        await asyncio.to_thread(program, url)


async def test_what_cannot_be_opened_leaves_no_thread() -> None:
    async with serving() as url:
        pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(Connection, url)
    assert url not in {thread.name for thread in threading.enumerate()}


async def test_its_own_thread_would_wait_for_itself() -> None:
    def program(url: str) -> None:
        with Connection(url) as ws:
            raised: list[BaseException] = []
            done = threading.Event()

            def inside() -> None:
                try:
                    ws.send("x")
                except RuntimeError as exc:
                    raised.append(exc)
                done.set()

            ws._loop.call_soon_threadsafe(inside)
            assert done.wait(30)
            assert "wait for itself" in str(raised[0])

    async with serving() as url:
        await asyncio.to_thread(program, url)
