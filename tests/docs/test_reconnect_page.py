"""Every Python example of docs/reconnect.md runs, against a real server.

Some of them would connect again for ever; they run until the second connection.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from outages import Clock, clock, serving
from websockets.asyncio.server import ServerConnection

import wirespeed

__all__ = ["clock"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reconnect.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(code, id=str(number))
    for number, code in enumerate(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
]


async def subscribe(ws: wirespeed.WebSocketConnection) -> None:
    """Stand in for a function that the reader would have defined."""
    await ws.send_json({"subscribe": "BTCUSD"})


async def fetch_token() -> str:
    """Stand in for a function that the reader would have defined."""
    return "token"


@pytest.mark.parametrize("code", EXAMPLES)
async def test_it_runs(code: str, clock: Clock) -> None:
    connections = 0
    came_again = asyncio.Event()

    async def serve(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        if connections > 1:
            came_again.set()
        await connection.send("hello")

    async with serving(serve) as url:
        names: dict[str, Any] = {
            "asyncio": asyncio,
            "contextlib": contextlib,
            "fetch_token": fetch_token,
            "subscribe": subscribe,
            "url": url,
            "wirespeed": wirespeed,
        }
        own = code.replace("wss://feed.example/ticks", url)
        own = own.replace("asyncio.run(main())", "await main()")
        compiled = compile(own, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(compiled, names)
        if not inspect.isawaitable(running):
            assert "await" not in code
            return
        task = asyncio.ensure_future(running)
        again = asyncio.ensure_future(came_again.wait())
        # An example that reconnects would run forever.
        await asyncio.wait([task, again], return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        left = names.get("ws")
        if left is not None:
            await left.close()
        assert connections > 0


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 3
