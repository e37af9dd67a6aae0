"""Sends a file of any size as one message, and tells how far it is.

Memory stays bounded: a chunk is read when the transport has room for it. The server answers with
one message. Usage: `python -m examples.upload.upload URL FILE`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import wirespeed

CHUNK_BYTES = 256 * 1024


async def upload(url: str, file: Path, on_progress: Callable[[int, int], object]) -> str | bytes:
    """Send the file, and return the server's answer.

    Args:
        url: where to connect.
        file: the file to send.
        on_progress: called with the bytes that were handed to the transport, and with all bytes.

    Raises:
        OSError: the file cannot be read, or the connection is lost.
    """
    size = (await asyncio.to_thread(file.stat)).st_size

    async def chunks() -> AsyncIterator[bytes]:
        sent = 0
        with file.open("rb") as opened:
            # In a thread, because a disk may be slow.
            while chunk := await asyncio.to_thread(opened.read, CHUNK_BYTES):
                yield chunk
                # The next chunk is wanted: there was room for this one.
                sent += len(chunk)
                on_progress(sent, size)

    async with wirespeed.connect(url) as ws:
        await ws.send_stream(chunks())
        return (await ws.receive()).data


async def main(url: str, file: str) -> None:
    """Upload a file, and show the progress in one line."""

    def show(sent: int, size: int) -> None:
        print(f"\r{100 * sent // size:3} %", end="", file=sys.stderr)

    print(await upload(url, Path(file), show))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
