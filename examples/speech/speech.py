"""Streams audio to a service and receives its answer: JSON events and audio, both ways.

The client says `{"type": "start", "rate": HZ}`, sends audio as binary messages, and then says
`{"type": "end"}`. The server sends events as text and speech as binary messages, and closes when it
has finished.
Usage: `python -m examples.speech.speech URL < question.raw > answer.raw`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

import wirespeed

RATE_HZ = 16_000
# 20 ms of 16-bit samples.
CHUNK_BYTES = RATE_HZ // 50 * 2


async def converse(
    url: str,
    audio: AsyncIterable[bytes],
    *,
    on_event: Callable[[Any], object],
    on_speech: Callable[[bytes], object],
) -> None:
    """Send the audio, and take what comes back, until the server closes.

    Events and speech have a lane each: whoever is slow with one is not late with the other.

    Args:
        url: where to connect.
        audio: the chunks to send, as fast as they come.
        on_event: called with each event.
        on_speech: called with each chunk of speech.

    Raises:
        OSError: the service cannot be reached, or the connection is lost.
    """
    async with (
        wirespeed.connect(url, text_queue_maxsize=100, binary_queue_maxsize=500) as ws,
        asyncio.TaskGroup() as tasks,
    ):
        sending = tasks.create_task(_send(ws, audio))
        tasks.create_task(_take_events(ws, on_event))
        try:
            while True:
                on_speech(await ws.receive_bytes())
        except wirespeed.ConnectionDisconnected as end:
            # The server may close before it has heard everything.
            sending.cancel()
            if end.code not in (1000, 1001):
                raise


async def _send(ws: wirespeed.WebSocketConnection, audio: AsyncIterable[bytes]) -> None:
    await ws.send_json({"type": "start", "rate": RATE_HZ})
    async for chunk in audio:
        await ws.send_bytes(chunk)
    await ws.send_json({"type": "end"})


async def _take_events(
    ws: wirespeed.WebSocketConnection, on_event: Callable[[Any], object]
) -> None:
    try:
        async for event in ws.json():
            on_event(event)
    except wirespeed.ConnectionDisconnected:
        # The receiver of speech sees the same, and decides.
        return


async def _standard_input() -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(sys.stdin.buffer.read, CHUNK_BYTES):
        yield chunk


async def main(url: str) -> None:
    """Converse over the standard streams."""
    await converse(
        url,
        _standard_input(),
        on_event=lambda event: print(event, file=sys.stderr),
        on_speech=sys.stdout.buffer.write,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
