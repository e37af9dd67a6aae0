"""What tests of messages in chunks share: fragments, and tasks that read a stream."""

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
    """Build a continuation fragment."""
    return reference.frame(CONTINUATION, payload, fin=fin)


async def read(stream: MessageStream, into: list[Any]) -> list[Any]:
    """Append all chunks of a stream to `into`, then `None` for the end."""
    async for chunk in stream:
        # Each chunk is appended at once: tests look at `into` while the stream waits, and chunks
        # before an error must stay.
        into.append(chunk)  # noqa: PERF401
    into.append(None)
    return into


def start(stream: MessageStream) -> tuple[list[Any], asyncio.Task[Any]]:
    """Start a task that reads a stream; return the list of its chunks, and the task."""
    chunks: list[Any] = []
    return chunks, asyncio.create_task(read(stream, chunks))


async def feed(wire: Wire, *reads: bytes) -> None:
    """Let the transport read, from a callback of the event loop."""
    for data in reads:
        await in_callback(partial(wire.feed, data))
