"""What tests of messages in chunks share: fragments, and tasks that read a stream.

Must not know what is tested with it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
import reference
from channel.scripted import Wire, in_callback
from rawserver import BINARY, CONTINUATION

from wirespeed import MessageStream

LANES: dict[str, Any] = {"text_queue_maxsize": 100}
QUEUES = pytest.mark.parametrize("options", [{}, LANES], ids=["queue", "lanes"])


def begin(payload: bytes, opcode: int = BINARY) -> bytes:
    """Build the first fragment of a message."""
    return reference.frame(opcode, payload, fin=False)


def more(payload: bytes, *, fin: bool = False) -> bytes:
    """Build a fragment that follows."""
    return reference.frame(CONTINUATION, payload, fin=fin)


async def read(stream: MessageStream, into: list[Any]) -> list[Any]:
    """Take all chunks of a stream, and the end as `None`."""
    async for chunk in stream:
        # Each one at once: it is looked at while the stream waits.
        # One by one: what came before an error stays.
        into.append(chunk)  # noqa: PERF401
    into.append(None)
    return into


def start(stream: MessageStream) -> tuple[list[Any], asyncio.Task[Any]]:
    """Let a task read a stream; return what it has got, and the task."""
    chunks: list[Any] = []
    return chunks, asyncio.create_task(read(stream, chunks))


async def feed(wire: Wire, *reads: bytes) -> None:
    """Let the transport read, as the event loop calls it."""
    for data in reads:
        await in_callback(partial(wire.feed, data))
