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
from rawserver import RawConnection, raw_server
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


async def told(awaitable: Any) -> BaseException:
    """Return the exception that an awaitable raises."""
    with pytest.raises(Exception) as caught:
        await awaitable
    return caught.value
