"""`websockets`: `recv` is called directly, since `async for` adds a generator to it."""

from __future__ import annotations

from typing import Final

from websockets.asyncio.client import ClientConnection, unix_connect

from ..far import FarEnd
from ..works import Work


async def connect(path: str, work: Work) -> ClientConnection:
    """Open a connection."""
    # A queue of 16 messages, the default, would pause and resume reading all the time.
    return await unix_connect(
        path,
        "ws://localhost/",
        compression=None,
        max_size=None,
        max_queue=4096,
        open_timeout=None,
        ping_interval=None,
        proxy=None,
    )


async def receive(ws: ClientConnection, work: Work, count: int, far: FarEnd) -> None:
    """Receive one by one."""
    for _ in range(count // work.block):
        far.meet()
        for _ in range(work.block):
            message = await ws.recv()
    assert message == work.message


async def feed(ws: ClientConnection, work: Work, count: int, far: FarEnd) -> None:
    """Receive what comes one by one."""
    for _ in range(count):
        message = await ws.recv()
    assert message == work.message


async def echo(ws: ClientConnection, work: Work, count: int, far: FarEnd) -> None:
    """Send and receive in turn."""
    message = work.message
    for _ in range(count):
        await ws.send(message)
        answer = await ws.recv()
    assert answer == message


async def send(ws: ClientConnection, work: Work, count: int, far: FarEnd) -> None:
    """Send one by one."""
    message = work.message
    for _ in range(count // work.block):
        for _ in range(work.block):
            await ws.send(message)
        far.meet()


WAYS: Final = {"receive": receive, "feed": feed, "echo": echo, "send": send}
