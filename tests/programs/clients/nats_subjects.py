"""Messages and requests of nats-py over a WebSocket, with reconnects."""

from __future__ import annotations

import asyncio
from typing import Any

import nats
from programs.transcript import Transcript, described


class Talk:
    """The callbacks of a client, which tell what they are told."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self.reconnected: asyncio.Queue[None] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def connect(self, url: str, token: str = "of-the-test", **options: Any) -> Any:
        """Return a connected client."""
        return await nats.connect(
            url,
            token=token,
            reconnect_time_wait=0.05,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=self._on_reconnect,
            closed_cb=self._on_close,
            **options,
        )

    async def _on_error(self, error: Exception) -> None:
        self._transcript.say("error_cb", described(error))

    async def _on_disconnect(self) -> None:
        self._transcript.say("disconnected_cb")

    async def _on_reconnect(self) -> None:
        self._transcript.say("reconnected_cb")
        self.reconnected.put_nowait(None)

    async def _on_close(self) -> None:
        self._transcript.say("closed_cb")
        self.closed.set()


async def repeat(message: Any) -> None:
    """Answer a request with its data."""
    await message.respond(message.data)


async def ask(transcript: Transcript, client: Any, times: int) -> None:
    """Send requests to ourselves."""
    with transcript.collecting("answers") as answers:
        for n in range(times):
            reply = await client.request("echo", f"tick {n} €".encode() * n, timeout=20)
            answers.append(reply.data)


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, be reset and reconnect, be refused, and break rules."""
    with transcript.part("messages and requests"):
        client = await Talk(transcript).connect(url)
        await client.subscribe("echo", cb=repeat)
        await ask(transcript, client, 250)
        numbers = await client.subscribe("numbers.*")
        for n in range(500):
            await client.publish(f"numbers.{n}", bytes([n % 256]) * n)
        with transcript.collecting("messages") as messages:
            for _ in range(500):
                message = await numbers.next_msg(timeout=20)
                messages.append((message.subject, message.data))
        await client.drain()
        transcript.say("closed:", client.is_closed)

    with transcript.part("reset, refused with 503 and reconnected"):
        talk = Talk(transcript)
        client = await talk.connect(url)
        await client.subscribe("echo", cb=repeat)
        await client.subscribe("reset")
        await ask(transcript, client, 20)
        await client.publish("reset", b"reset this connection")
        await talk.reconnected.get()
        await ask(transcript, client, 20)
        await client.close()

    with transcript.part("refused with 401, and let in"):
        client = await Talk(transcript).connect(url, max_reconnect_attempts=3)
        await client.close()

    with transcript.part("a wrong token"):
        await Talk(transcript).connect(url, "wrong", allow_reconnect=False)

    with transcript.part("too large a message"):
        talk = Talk(transcript)
        client = await talk.connect(url, allow_reconnect=False)
        client._max_payload = 1_000_000  # the client's own check
        await client.publish("large", bytes(200_000))
        await talk.closed.wait()
        transcript.say("closed:", client.is_closed)
