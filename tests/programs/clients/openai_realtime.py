"""Conversations with openai's `AsyncOpenAI().realtime`."""

from __future__ import annotations

from typing import Any

from openai import AsyncOpenAI
from programs.transcript import FAULT_TITLES, Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, meet each fault, and reconnect."""
    client = AsyncOpenAI(api_key="of-the-test", base_url=f"{url.replace('ws', 'http', 1)}/v1")

    with transcript.part("a conversation"):
        async with client.realtime.connect(model="gpt-realtime") as connection:
            transcript.say((await connection.recv()).to_json(indent=None))
            await connection.session.update(session={"type": "realtime", "instructions": "Say."})
            transcript.say((await connection.recv()).to_json(indent=None))
            with transcript.collecting("items") as items:
                for n in range(250):
                    items.append(await said(connection, f"sentence {n} — ünïcode"))
            await connection.response.create()
            with transcript.collecting("events") as events:
                async for event in connection:
                    events.append(event.to_json(indent=None))
                    if event.type == "response.done":
                        break
            await connection.send({"type": "no.such.event"})
            transcript.say((await connection.recv_bytes()).decode())

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("items") as items:
            async with client.realtime.connect(model="gpt-realtime") as connection:
                items.append((await connection.recv()).type)
                for n in range(50):
                    items.append(await said(connection, f"before it is {title}: {n}"))

    with transcript.part("reconnecting"), transcript.collecting("events") as events:

        def reconnecting(event: Any) -> None:
            events.append(f"attempt {event.attempt} after {event.close_code}")

        manager = client.realtime.connect(
            model="gpt-realtime", on_reconnecting=reconnecting, initial_delay=0.01
        )
        async with manager as connection:
            async for event in connection:
                events.append(event.type)
                if len(events) > 40:
                    break
                await said_only(connection, "once more")


async def said(connection: Any, text: str) -> str:
    """Add an item to the conversation, and return the server's answer."""
    await said_only(connection, text)
    event = await connection.recv()
    return str(event.to_json(indent=None))


async def said_only(connection: Any, text: str) -> None:
    """Add an item to the conversation."""
    await connection.conversation.item.create(
        item={
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        }
    )
