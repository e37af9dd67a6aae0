"""Requests and a subscription with xrpl's `AsyncWebsocketClient`."""

from __future__ import annotations

import asyncio

from programs.transcript import FAULT_TITLES, Transcript
from xrpl.asyncio.clients import AsyncWebsocketClient
from xrpl.models.requests import Fee, LedgerCurrent, Ping, StreamParameter, Subscribe


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, and meet each fault."""
    with transcript.part("requests and a subscription"):
        async with AsyncWebsocketClient(url) as client:
            with transcript.collecting("answers") as answers:
                for n in range(250):
                    response = await client.request(LedgerCurrent(id=f"of-the-test-{n}"))
                    answers.append(response.result)
            transcript.say((await client.request(Fee(id="fee"))).to_dict())
            await client.send(Subscribe(id="stream", streams=[StreamParameter.LEDGER]))
            with transcript.collecting("messages") as messages:
                async for message in client:
                    messages.append(message)
                    if message.get("ledger_index") == 299:
                        break
        transcript.say("open:", client.is_open())

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("messages") as messages:
            async with AsyncWebsocketClient(url) as client:
                await client.send(Ping(id="ping-0"))
                async for message in client:
                    messages.append(message)
                    await client.send(Ping(id=f"ping-{len(messages)}"))
                    if len(messages) == 19:
                        # The end is reported to nobody: only `is_open` tells.
                        while client.is_open():
                            await asyncio.sleep(0.01)
                        await client.send(Ping(id="too-late"))
