"""A feed through aiosonic's `WebSocketClient`, written for its documented interface."""

from __future__ import annotations

import json
from typing import Any

from aiosonic.exceptions import ConnectionDisconnected, ReadTimeout
from aiosonic.web_socket_client import MessageType, ProtocolHandler, WebSocketClient
from programs.transcript import Transcript


class Lines(ProtocolHandler):  # type: ignore[misc] # aiosonic is skipped by mypy
    """A list of strings, one a line."""

    @property
    def name(self) -> str:
        return "lines"

    def encode(self, data: list[str]) -> bytes:
        return "\n".join(data).encode()

    def decode(self, data: bytes) -> list[str]:
        return data.decode().split("\n")


async def connected(url: str, **options: Any) -> Any:
    """Return an open connection."""
    client = WebSocketClient()
    return await client.connect(url, subprotocols=["feed"], **options)


async def refusals(transcript: Transcript, ws: Any) -> None:
    """Ask for what cannot be had, and go on."""
    await ws.send_json({"hush": True})
    try:
        await ws.receive_text(timeout=0.05)
    except ReadTimeout:
        transcript.say("no message in time")
    await ws.send_bytes(b"binary")
    try:
        await ws.receive_text()
    except ValueError as exc:
        transcript.say("ValueError:", exc)
    await ws.send_text("text")
    transcript.say(await ws.receive_text())


async def talk(transcript: Transcript, url: str) -> None:
    """Use each way to send and to receive."""
    handler = Lines()
    async with await connected(url, conn_opts={"protocol_handler": handler}) as ws:
        transcript.say("subprotocol", ws.subprotocol, "connected", ws.connected)
        with transcript.collecting("answers") as answers:
            for n in range(100):
                await ws.send_text(f"tick {n} €" * n + ".")
                answers.append(await ws.receive_text())
                await ws.send_bytes(bytes([n]) * n)
                answers.append(await ws.receive_bytes(timeout=20))
                await ws.send_json([n, None, {"€": n}])
                answers.append(await ws.receive_json())
        await ws.send_protocol(["one", "two €"])
        transcript.say(await ws.receive_protocol())
        await ws.ping(b"are you there?")
        transcript.say(await ws.receive_pong(timeout=20))
        await refusals(transcript, ws)
        await ws.send_json({"count": 300})
        with transcript.collecting("messages") as messages:
            async for message in ws:
                is_text = message.type == MessageType.TEXT
                messages.append((is_text, message.data, message.raw_data, message.opcode))
                if len(messages) == 300:
                    break
    transcript.say("connected", ws.connected)


async def ended(transcript: Transcript, ws: Any) -> None:
    """Say what a program sees once the connection has ended."""
    transcript.say("connected", ws.connected)
    for use in (ws.receive_text, ws.receive_pong, lambda: ws.send_text("too late")):
        try:
            await use()
        except ConnectionDisconnected:
            transcript.say("disconnected")
    await ws.close()


async def fault(transcript: Transcript, url: str) -> None:
    """Talk until the connection has ended."""
    ws = await connected(url, start_keepalive=False)
    with transcript.collecting("messages") as messages:
        await ws.send_text("0")
        async for message in ws:
            messages.append(json.loads(message.data))
            await ws.send_text(str(len(messages)))
    await ended(transcript, ws)


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, lose connections and be refused."""
    with transcript.part("every way to send and to receive"):
        await talk(transcript, url)
    for title in ("closed with 1000", "reset"):
        with transcript.part(title):
            await fault(transcript, url)
    for title in ("refused with 401", "refused with 503"):
        with transcript.part(title):
            try:
                await connected(url)
            except ConnectionError:
                transcript.say("not connected")
