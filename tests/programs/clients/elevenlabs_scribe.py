"""Live transcriptions with elevenlabs' realtime Scribe."""

from __future__ import annotations

import asyncio

from elevenlabs import AudioFormat, ElevenLabs, RealtimeEvents
from programs.transcript import FAULT_TITLES, Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Transcribe, and meet each fault."""
    with transcript.part("a transcription"), transcript.collecting("events") as events:
        await transcribed(url, events, 250)
    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("events") as events:
            await transcribed(url, events, 50)


async def transcribed(url: str, events: list[object], count: int) -> None:
    """Send audio piece by piece, each after the transcript of the last."""
    client = ElevenLabs(api_key="of-the-test", base_url=url)
    options = {"model_id": "scribe", "audio_format": AudioFormat.PCM_16000, "sample_rate": 16000}
    connection = await client.speech_to_text.realtime.connect(options)
    answered: asyncio.Queue[str] = asyncio.Queue()
    for event in RealtimeEvents:

        def happened(data: object = None, name: str = event.name) -> None:
            events.append(f"{name} {data}")
            answered.put_nowait(name)

        connection.on(event, happened)
    for n in range(count):
        await connection.send({"audio_base_64": f"audio{n}"})
        if await answered.get() == "SESSION_STARTED":
            await answered.get()
        if "CLOSE" in str(events[-1]):
            break
    await connection.commit()
    while not str(events[-1]).startswith("COMMITTED"):
        await answered.get()
    await connection.close()
