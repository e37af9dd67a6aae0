"""An exchange's public feed with okx's `WsPublicAsync`, over TLS."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from okx.websocket.WsPublicAsync import WsPublicAsync
from programs.transcript import FAULT_TITLES, Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Subscribe and unsubscribe, and meet each fault."""
    with transcript.part("a feed"), transcript.collecting("events") as events:
        await subscribed(url, events, 110)

    with transcript.log_of("okx"):
        for title in FAULT_TITLES:
            with transcript.part(title), transcript.collecting("events") as events:
                await subscribed(url, events, 50)


async def subscribed(url: str, events: list[object], count: int) -> None:
    """Subscribe to channels, one after the other, and unsubscribe from each."""
    client = WsPublicAsync(f"{url}/ws/v5/public")
    confirmed: asyncio.Queue[str] = asyncio.Queue()

    def received(message: str) -> None:
        events.append(message)
        if event := json.loads(message).get("event"):
            confirmed.put_nowait(event)

    consuming = await client.start()

    async def confirmation() -> None:
        waiting = asyncio.ensure_future(confirmed.get())
        await asyncio.wait([waiting, consuming], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            raise ConnectionError("the feed is over")

    try:
        for n in range(count):
            channel: list[Any] = [{"channel": "tickers", "instId": f"COIN-{n}"}]
            await client.subscribe(channel, received)
            await confirmation()
            await client.unsubscribe(channel, received)
            await confirmation()
    finally:
        await client.stop()
        await consuming
