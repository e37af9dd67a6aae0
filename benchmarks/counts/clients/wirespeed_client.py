"""wirespeed, by its public names only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import wirespeed

from ..far import FarEnd
from ..works import Work

# Longer than any run: the timer of keep-alive is there, but no run has a Ping more than another.
NEVER_SECONDS: Final = 3600.0


async def connect(path: str, work: Work) -> wirespeed.WebSocketConnection:
    """Open a connection."""
    return await wirespeed.connect(
        "ws://localhost/",
        unix_path=path,
        open_timeout=NEVER_SECONDS,
        ping_interval=NEVER_SECONDS if work.keep_alive else None,
        ping_timeout=NEVER_SECONDS,
    )


async def receive(ws: wirespeed.WebSocketConnection, work: Work, count: int, far: FarEnd) -> None:
    """Receive with `async for`."""
    far.meet()
    left = work.block
    async for message in ws:
        left -= 1
        if not left:
            count -= work.block
            if not count:
                assert message == work.message
                return
            left = work.block
            far.meet()


async def batches(ws: wirespeed.WebSocketConnection, work: Work, count: int, far: FarEnd) -> None:
    """Receive with `batches`."""
    far.meet()
    left = work.block
    async for batch in ws.batches():
        left -= len(batch)
        if not left:
            count -= work.block
            if not count:
                assert batch[-1] == work.message
                return
            left = work.block
            far.meet()


async def feed(ws: wirespeed.WebSocketConnection, work: Work, count: int, far: FarEnd) -> None:
    """Receive what comes one by one."""
    async for message in ws:
        count -= 1
        if not count:
            assert message == work.message
            return


async def echo(ws: wirespeed.WebSocketConnection, work: Work, count: int, far: FarEnd) -> None:
    """Send and receive in turn."""
    text = "a" * work.size
    await ws.send_text(text)
    async for answer in ws:
        count -= 1
        if not count:
            assert answer == text
            return
        await ws.send_text(text)


async def send(ws: wirespeed.WebSocketConnection, work: Work, count: int, far: FarEnd) -> None:
    """Send one by one."""
    message: Any = work.message
    send: Callable[[Any], Awaitable[object]] = ws.send_bytes if work.is_binary else ws.send_text
    for _ in range(count // work.block):
        for _ in range(work.block):
            await send(message)
        await ws.flush()
        far.meet()


async def send_many(ws: wirespeed.WebSocketConnection, work: Work, count: int, far: FarEnd) -> None:
    """Send a block with one call."""
    messages = [work.message] * work.block
    for _ in range(count // work.block):
        await ws.send_many(messages)
        await ws.flush()
        far.meet()


WAYS: Final = {
    "receive": receive,
    "batches": batches,
    "feed": feed,
    "echo": echo,
    "send": send,
    "send_many": send_many,
}
