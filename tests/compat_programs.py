"""Helpers that run programs for `aiohttp` and for `wirespeed.compat.aiohttp`.

Uses only what both libraries have.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from ends import turns
from rawserver import RawConnection, raw_server

from wirespeed import compat
from wirespeed.compat import aiohttp as dropin


def _without_aiohttp() -> Any:
    """Return a second copy of the drop-in, as it is where aiohttp is not installed."""
    name = "wirespeed.compat.aiohttp"
    kept = {module: sys.modules.pop(module) for module in list(sys.modules) if name in module}
    kept["aiohttp"] = aiohttp
    sys.modules["aiohttp"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module(name)
    finally:
        sys.modules.update(kept)
        compat.aiohttp = dropin


ALONE = _without_aiohttp()

EACH_LIBRARY = [
    pytest.mark.parametrize(
        "lib", [aiohttp, dropin, ALONE], ids=["aiohttp", "drop-in", "drop-in-alone"]
    ),
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
