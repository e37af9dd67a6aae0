"""Commands and events of Home Assistant with `HomeAssistantClient`."""

from __future__ import annotations

import asyncio
from typing import Any

from hass_client import HomeAssistantClient
from hass_client.exceptions import CannotConnect
from programs.transcript import FAULT_TITLES, Transcript, described


def client_of(url: str, token: str = "of-the-test") -> Any:
    """Return a client."""
    return HomeAssistantClient(f"{url}/api/websocket", token)


async def call(client: Any, n: int) -> Any:
    """Call a service, and return what the server answers."""
    return await client.call_service("light", "turn_on", {"brightness": n}, {"name": "€" * n})


async def fault(transcript: Transcript, url: str) -> None:
    """Call services until the connection is over, and tell how the client says so."""
    client = client_of(url)
    try:
        await client.connect()
    except CannotConnect:
        await client.disconnect()
        raise
    listening = asyncio.create_task(client.start_listening())
    try:
        with transcript.collecting("answers") as answers:
            for n in range(50):
                answers.append(await call(client, n))
    except asyncio.CancelledError:
        transcript.say("the call was cancelled")
    await asyncio.wait([listening])
    end = listening.exception()
    transcript.say("listening ended with", described(end) if end else None)
    transcript.say("connected:", client.connected)
    await client.disconnect()
    await call(client, 0)


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, meet each fault, and have a wrong token."""
    with transcript.part("calls and events"):
        async with client_of(url) as client:
            transcript.say("version", client.version)
            with transcript.collecting("answers") as answers:
                for n in range(250):
                    answers.append(await call(client, n))
                answers.extend(await asyncio.gather(*(call(client, n) for n in range(50))))
            arrived: asyncio.Queue[Any] = asyncio.Queue()
            stop = await client.subscribe_events(arrived.put_nowait, "state_changed")
            with transcript.collecting("events") as events:
                for _ in range(300):
                    events.append(await arrived.get())
            stop()
            with transcript.part("no such command"):
                await client.send_command("nothing")
        transcript.say("connected:", client.connected)

    for title in FAULT_TITLES:
        with transcript.part(title):
            await fault(transcript, url)

    with transcript.part("a wrong token"):
        client = client_of(url, "wrong")
        try:
            await client.connect()
        finally:
            await client.disconnect()
