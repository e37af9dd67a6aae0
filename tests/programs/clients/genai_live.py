"""Live sessions with google-genai's `Client().aio.live`, over TLS."""

from __future__ import annotations

from google import genai
from google.genai import types
from programs.transcript import FAULT_TITLES, Transcript

MODEL = "gemini-live"


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, and meet each fault."""
    options = types.HttpOptions(base_url=url.replace("wss", "https", 1))
    client = genai.Client(api_key="of-the-test", http_options=options)

    with transcript.part("turns"), transcript.collecting("parts") as parts:
        async with client.aio.live.connect(model=MODEL) as session:
            for n in range(125):
                await session.send_client_content(turns=turn(f"turn {n}"), turn_complete=True)
                parts += [p.model_dump_json(exclude_none=True) async for p in session.receive()]
            for n in range(125):
                audio = types.Blob(data=bytes(n), mime_type="audio/pcm;rate=16000")
                await session.send_realtime_input(audio=audio)
                parts += [p.model_dump_json(exclude_none=True) async for p in session.receive()]

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("parts") as parts:
            async with client.aio.live.connect(model=MODEL) as session:
                for n in range(50):
                    await session.send_client_content(turns=turn(f"{n}"), turn_complete=True)
                    async for part in session.receive():
                        parts.append(part.model_dump_json(exclude_none=True))


def turn(text: str) -> types.Content:
    """Return what the user says."""
    return types.Content(role="user", parts=[types.Part(text=text)])
