"""Commands and events of Music Assistant with `MusicAssistantClient`, compressed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from music_assistant_client import MusicAssistantClient
from music_assistant_models.enums import EventType
from programs.transcript import FAULT_TITLES, Transcript, described


def client_of(url: str, token: str = "of-the-test") -> Any:
    """Return a client."""
    return MusicAssistantClient(url, None, token)


async def started(client: Any) -> asyncio.Task[None]:
    """Connect, and return the task that listens.

    Raises:
        Exception: what listening ended with.
    """
    ready = asyncio.Event()
    waiting = asyncio.create_task(ready.wait())
    listening = asyncio.create_task(client.start_listening(ready))
    await asyncio.wait([listening, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if listening.done():
        await client.disconnect()
        await listening
    return listening


async def ask(client: Any, n: int) -> Any:
    """Ask for the queue of a player."""
    queue = await client.player_queues.get_active_queue("player " + "€" * n)
    return queue.queue_id, queue.display_name, queue.items


async def fault(transcript: Transcript, url: str) -> None:
    """Ask until the connection is over, and tell how the client says so."""
    client = client_of(url)
    listening = await started(client)
    try:
        with transcript.collecting("answers") as answers:
            for n in range(50):
                answers.append(await ask(client, n))
    except asyncio.CancelledError:
        transcript.say("the question was cancelled")
    await asyncio.wait([listening])
    end = listening.exception()
    transcript.say("listening ended with", described(end) if end else None)
    transcript.say("connected:", client.connection.connected)
    await ask(client, 0)


async def talk(transcript: Transcript, url: str) -> None:
    """Ask one by one and at once, and get events."""
    client = client_of(url)
    listening = await started(client)
    transcript.say("version", client.server_info.server_version)
    with transcript.collecting("answers") as answers:
        for n in range(250):
            answers.append(await ask(client, n))
        answers.extend(await asyncio.gather(*(ask(client, n) for n in range(50))))
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    stop = client.subscribe(arrived.put_nowait, EventType.QUEUE_TIME_UPDATED)
    await client.player_queues.seek("queue", 300)
    with transcript.collecting("events") as events:
        for _ in range(300):
            event = await arrived.get()
            events.append((event.object_id, event.data))
    stop()
    with transcript.part("no such command"):
        await client.send_command("nothing")
    await client.disconnect()
    await listening
    transcript.say("connected:", client.connection.connected)


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, meet each fault, and have a wrong token."""
    with transcript.log_of("music_assistant_client", logging.ERROR):
        with transcript.part("questions and events"):
            await talk(transcript, url)
        for title in FAULT_TITLES:
            with transcript.part(title):
                await fault(transcript, url)
        with transcript.part("a wrong token"):
            await started(client_of(url, "wrong"))
