"""Chats with hume's `AsyncHumeClient`, on the legacy client of `websockets`."""

from __future__ import annotations

from hume import AsyncHumeClient
from hume.empathic_voice.types import AssistantInput
from hume.environment import HumeClientEnvironment
from programs.transcript import FAULT_TITLES, Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, and meet each fault."""
    http = url.replace("ws", "http", 1)
    environment = HumeClientEnvironment(base=http, evi=f"{url}/v0/evi", tts=url, stream=url)
    client = AsyncHumeClient(api_key="of-the-test", environment=environment)

    for title in ("a chat", *FAULT_TITLES):
        with transcript.part(title), transcript.collecting("answers") as answers:
            async with client.empathic_voice.chat.connect() as socket:
                for n in range(250):
                    await socket.send_publish(AssistantInput(text=f"{title}: {n}"))
                    answers.append((await socket.recv()).json())
