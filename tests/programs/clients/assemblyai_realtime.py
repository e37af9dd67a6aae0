"""Live transcriptions with assemblyai's `AsyncRealTimeTranscriber`."""

from __future__ import annotations

import asyncio
from typing import Any

from assemblyai.streaming.v3 import (
    AsyncRealTimeTranscriber,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeTranscriberOptions,
    SpeechModel,
)
from programs.transcript import FAULT_TITLES, Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Transcribe, and meet each fault."""
    for title in ("a transcription", *FAULT_TITLES):
        with transcript.part(title), transcript.collecting("events") as events:
            await transcribed(url, events)


async def transcribed(url: str, events: list[object]) -> None:
    """Send audio piece by piece, each after the turn of the last."""
    options = RealTimeTranscriberOptions(api_host=url, api_key="of-the-test", connect_timeout=10)
    client = AsyncRealTimeTranscriber(options)
    over = asyncio.Event()

    async def happened(_: Any, event: Any) -> None:
        events.append(event)
        if len(events) > 250:
            over.set()
        else:
            await client.stream(bytes(len(events)))

    def failed(_: Any, error: Any) -> None:
        events.append(f"{type(error).__name__} {error} {error.code}")
        over.set()

    client.on(RealTimeEvents.Begin, happened)
    client.on(RealTimeEvents.Turn, happened)
    client.on(RealTimeEvents.Error, failed)
    client.on(RealTimeEvents.Termination, lambda _, event: events.append(event))
    model = next(iter(SpeechModel))
    await client.connect(RealTimeParameters(sample_rate=16000, speech_model=model))
    # A normal close is reported to nobody: the client stops, and this ends by a deadline.
    waiting = asyncio.create_task(over.wait())
    await asyncio.wait([waiting], timeout=3)
    waiting.cancel()
    await client.disconnect(terminate=True)
