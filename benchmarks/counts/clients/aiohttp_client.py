"""`aiohttp`: `receive` is called directly, since `async for` adds a coroutine to it."""

from __future__ import annotations

from typing import Any, Final

import aiohttp

from ..far import FarEnd
from ..works import Work


async def connect(path: str, work: Work) -> Any:
    """Open a connection."""
    session = aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(path), timeout=aiohttp.ClientTimeout()
    )
    return await session.ws_connect("ws://localhost/", compress=0, max_msg_size=0)


async def receive(ws: Any, work: Work, count: int, far: FarEnd) -> None:
    """Receive one by one."""
    for _ in range(count // work.block):
        far.meet()
        for _ in range(work.block):
            message = (await ws.receive()).data
    assert message == work.message


async def feed(ws: Any, work: Work, count: int, far: FarEnd) -> None:
    """Receive what comes one by one."""
    for _ in range(count):
        message = (await ws.receive()).data
    assert message == work.message


async def echo(ws: Any, work: Work, count: int, far: FarEnd) -> None:
    """Send and receive in turn."""
    message = work.message
    for _ in range(count):
        await ws.send_str(message)
        answer = (await ws.receive()).data
    assert answer == message


async def send(ws: Any, work: Work, count: int, far: FarEnd) -> None:
    """Send one by one."""
    message = work.message
    send_message = ws.send_bytes if work.is_binary else ws.send_str
    for _ in range(count // work.block):
        for _ in range(work.block):
            await send_message(message)
        far.meet()


WAYS: Final = {"receive": receive, "feed": feed, "echo": echo, "send": send}
