"""anyio on its backend asyncio works; under trio, an error says what to do.

These start event loops of their own, so they are no `async def` tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import pytest
import trio
from websockets.asyncio.server import ServerConnection, serve

import wirespeed


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[wirespeed.WebSocketConnection]:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with wirespeed.connect(f"ws://127.0.0.1:{port}/") as ws:
            yield ws


def test_task_groups_and_cancel_scopes_of_anyio() -> None:
    received: list[str | bytes] = []

    async def consume(ws: wirespeed.WebSocketConnection, done: anyio.Event) -> None:
        async for message in ws:
            received.append(message)
            if message == "last":
                done.set()

    async def main() -> None:
        async with connected() as ws:
            with anyio.move_on_after(0.01) as scope:
                await ws.receive()
            assert scope.cancelled_caught
            done = anyio.Event()
            async with anyio.create_task_group() as group:
                group.start_soon(consume, ws, done)
                for text in ("1", "2", "last"):
                    await ws.send(text)
                with anyio.fail_after(30):
                    await done.wait()
                group.cancel_scope.cancel()
            await ws.send("after")
            with anyio.fail_after(30):
                assert await ws.receive_text() == "after"

    anyio.run(main, backend="asyncio")
    assert received == ["1", "2", "last"]


def test_a_thread_of_anyio_calls_back() -> None:
    async def main() -> None:
        async with connected() as ws:

            def work() -> str:
                anyio.from_thread.run(ws.send, "from a thread")
                return str(anyio.from_thread.run(ws.receive_text))

            assert await anyio.to_thread.run_sync(work) == "from a thread"

    anyio.run(main, backend="asyncio")


async def open_one() -> None:
    await wirespeed.connect("ws://127.0.0.1/")


async def open_in_a_block() -> None:
    async with wirespeed.connect("ws://127.0.0.1/"):
        pass


async def open_again_and_again() -> None:
    async for _ in wirespeed.connect("ws://127.0.0.1/"):
        pass


@pytest.mark.parametrize("program", [open_one, open_in_a_block, open_again_and_again])
def test_under_trio(program: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with pytest.raises(RuntimeError, match=r"use asyncio\.run, or anyio.*trio is not supported"):
        trio.run(program)
