"""Helpers that run programs for `websockets` and for `wirespeed.compat.websockets`.

Uses only what both libraries have.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ends import deliver, turns
from rawserver import RawConnection, Upgrade, accept_response, raw_server
from websockets.asyncio import client as real

from wirespeed.compat.websockets.asyncio import client as face

EACH_LIBRARY = pytest.mark.parametrize("lib", [real, face], ids=["websockets", "face"])


@contextlib.asynccontextmanager
async def scripted(lib: Any, **options: Any) -> AsyncIterator[tuple[Any, RawConnection]]:
    """Yield an open WebSocket and the server's end, which ends the stream when the block ends."""
    arrived: asyncio.Future[RawConnection] = asyncio.get_running_loop().create_future()
    released = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        arrived.set_result(connection)
        await released.wait()

    defaults: dict[str, Any] = {"compression": None, "ping_interval": None, "proxy": None}
    async with raw_server(handle) as url:
        try:
            ws = await lib.connect(url, **{**defaults, **options})
            yield ws, await arrived
            released.set()
            await ws.close()
        finally:
            released.set()
        await turns(5)


async def delivered(ws: Any, server: RawConnection, data: bytes) -> None:
    """Send whole frames, and wait until the client has read them."""
    assert ws.state == 1
    await deliver(server, data)


async def end(server: RawConnection) -> None:
    """End the stream from the server's side."""
    server.writer.close()
    with contextlib.suppress(OSError):
        await server.writer.wait_closed()


def kind_of(exc: BaseException) -> Any:
    """Return the type of an exception; type checkers learn nothing from it."""
    return type(exc)


async def told(awaitable: Any) -> BaseException:
    """Return the exception that an awaitable raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any
        await awaitable
    return caught.value


async def asked(lib: Any, **options: Any) -> Upgrade:
    """Return the request that is sent with these options."""
    requests: list[Upgrade] = []

    async def handle(connection: RawConnection) -> None:
        requests.append(await connection.accept())
        await connection.expect_close()

    async with raw_server(handle) as url, lib.connect(url, **{"proxy": None, **options}):
        pass
    return requests[0]


@contextlib.asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, list[Upgrade]]]:
    """Serve one connection for each answer; `b""` accepts, then waits for the client's end."""
    left = list(answers)
    requests: list[Upgrade] = []

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        requests.append(upgrade)
        answer = left.pop(0)
        await connection.write(answer or accept_response(upgrade))
        if not answer:
            await connection.expect_close()

    async with raw_server(handle, connections=len(answers)) as url:
        yield url, requests


def response(status: str, *lines: str, body: str = "") -> bytes:
    """Build a response of HTTP/1.1."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", body]).encode()
