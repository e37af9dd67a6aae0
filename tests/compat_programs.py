"""Helpers that run programs for `aiohttp` and for `wirespeed.compat.aiohttp`.

Uses only what both libraries have.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from ends import turns
from rawserver import RawConnection, raw_server

from wirespeed.compat import aiohttp as dropin

EACH_LIBRARY = [
    pytest.mark.parametrize("lib", [aiohttp, dropin], ids=["aiohttp", "drop-in"]),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@contextlib.asynccontextmanager
async def opened(lib: Any, url: str, **options: Any) -> AsyncIterator[Any]:
    """Open a WebSocket with `ClientSession`, the way new programs do."""
    async with lib.ClientSession() as session, session.ws_connect(url, **options) as ws:
        yield ws
    # aiohttp closes its transports a few turns later.
    await turns(5)


@contextlib.asynccontextmanager
async def scripted(lib: Any, **options: Any) -> AsyncIterator[tuple[Any, RawConnection]]:
    """Yield an open WebSocket and the server's end, which ends the stream when the block ends."""
    arrived: asyncio.Future[RawConnection] = asyncio.get_running_loop().create_future()
    released = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        arrived.set_result(connection)
        await released.wait()

    async with raw_server(handle) as url:
        try:
            async with lib.ClientSession() as session:
                ws = await session.ws_connect(url, **options)
                server = await arrived
                yield ws, server
                released.set()
                await ws.close()
        finally:
            released.set()
        await turns(5)


def seen(message: Any) -> tuple[int, Any, Any]:
    """Return the parts of a message that a program looks at."""
    return int(message.type), message.data, message.extra
