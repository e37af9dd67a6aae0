"""Live transcriptions with deepgram's `AsyncDeepgramClient`."""

from __future__ import annotations

import asyncio

from deepgram import AsyncDeepgramClient
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from programs.transcript import FAULT_TITLES, Transcript, described

AUDIO = bytes(range(256)) * 2


async def scenario(transcript: Transcript, url: str) -> None:
    """Transcribe, and meet each fault."""
    http = url.replace("ws", "http", 1)
    environment = DeepgramClientEnvironment(base=http, production=url, agent=url, agent_rest=http)
    client = AsyncDeepgramClient(api_key="of-the-test", environment=environment)

    with transcript.part("a transcription, by events"), transcript.collecting("events") as events:
        async with client.listen.v1.connect(model="nova-3", interim_results=True) as socket:
            socket.on(EventType.OPEN, lambda _: events.append("open"))
            socket.on(EventType.MESSAGE, lambda message: events.append(message.json()))
            socket.on(EventType.ERROR, lambda exc: events.append(described(exc)))
            socket.on(EventType.CLOSE, lambda _: events.append("close"))
            listening = asyncio.create_task(socket.start_listening())
            for _ in range(250):
                await socket.send_media(AUDIO)
            await socket.send_keep_alive()
            await socket.send_finalize()
            await socket.send_close_stream()
            await listening

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("words") as words:
            async with client.listen.v1.connect(model="nova-3") as socket:
                await socket.send_media(AUDIO)
                async for message in socket:
                    words.append(message.channel.alternatives[0].transcript)
                    await socket.send_media(AUDIO)
