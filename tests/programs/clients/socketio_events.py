"""Events of python-socketio's `AsyncClient`, which reconnects by itself."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import socketio
from programs.transcript import Transcript

LOGGER = logging.getLogger("of-the-test")


class Talk:
    """A client that tells when its session starts and ends."""

    def __init__(self, transcript: Transcript, *transports: str) -> None:
        self.client = socketio.AsyncClient(
            reconnection_delay=0.01, randomization_factor=0, engineio_logger=LOGGER
        )
        self.connected: asyncio.Queue[None] = asyncio.Queue()
        self.disconnected: asyncio.Queue[str] = asyncio.Queue()
        self._transcript = transcript
        self._transports = list(transports or ("websocket",))
        self.client.on("connect", lambda: self.connected.put_nowait(None))
        self.client.on("disconnect", self.disconnected.put_nowait)
        self.client.on("connect_error", lambda *data: transcript.say("connect_error", *data))

    async def connect(self, url: str, word: str = "of-the-test") -> None:
        """Connect."""
        await self.client.connect(
            url, transports=self._transports, auth={"word": word}, retry=False
        )
        await self.connected.get()
        self._transcript.say("connected by", self.client.transport())

    async def echo(self, times: int) -> None:
        """Ask the server to repeat text and bytes."""
        with self._transcript.collecting("answers") as answers:
            for n in range(times):
                data = (f"tick {n} €", bytes(range(n % 256)), {"n": [n, None, True, 0.5]})
                answers.append(await self.client.call("echo", data))

    async def end(self, reason: str) -> None:
        """Disconnect, and tell what the handler was told."""
        await self.client.disconnect()
        self._transcript.say(reason, await self.disconnected.get())


async def count(transcript: Transcript, client: Any, limit: int) -> None:
    """Let the server send events faster than they are handled."""
    numbers: asyncio.Queue[tuple[int, str | bytes]] = asyncio.Queue()
    client.on("number", lambda *data: numbers.put_nowait(data))
    await client.emit("count", limit)
    with transcript.collecting("events") as events:
        while len(events) < limit:
            events.append(await numbers.get())
        # Each is handled in a task of its own.
        events.sort(key=str)


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, be thrown out, reconnect and be refused."""
    LOGGER.setLevel(logging.WARNING)
    with transcript.log_of(LOGGER.name):
        await talk(transcript, url)


async def talk(transcript: Transcript, url: str) -> None:
    """Go through the parts."""
    with transcript.part("events"):
        one = Talk(transcript)
        await one.connect(url)
        await one.echo(250)
        await count(transcript, one.client, 500)
        await asyncio.gather(*(one.client.call("echo", n) for n in range(50)))
        await one.end("ended by")

    with transcript.part("from polls to a WebSocket"):
        one = Talk(transcript, "polling", "websocket")
        await one.connect(url.replace("ws://", "http://"))
        await one.echo(20)
        await one.end("ended by")

    with transcript.part("thrown out"):
        one = Talk(transcript)
        await one.connect(url)
        await one.echo(20)
        await one.client.emit("kick")
        transcript.say("ended by", await one.disconnected.get())
        await one.client.wait()
        transcript.say("connected:", one.client.connected)
        await one.client.emit("echo", "too late")

    with transcript.part("reset, refused with 503 and reconnected"):
        one = Talk(transcript)
        await one.connect(url)
        await one.echo(20)
        await one.client.emit("abort")
        transcript.say("ended by", await one.disconnected.get())
        await one.connected.get()
        await one.echo(20)
        await one.end("ended by")

    for title in ("refused with 401", "refused with 503"):
        with transcript.part(title):
            await Talk(transcript).connect(url)
