"""A feed of stocks with polygon's `WebSocketClient`, which reconnects by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from polygon import WebSocketClient
from programs.transcript import Transcript


def client_of(url: str, key: str = "of-the-test") -> WebSocketClient:
    """Return a client with one subscription, to which `enough` adds one for each trade."""
    feed = url.removeprefix("ws://")
    return WebSocketClient(
        api_key=key, feed=feed, secure=False, subscriptions=["T.S0"], max_reconnects=2
    )


def enough(
    client: WebSocketClient, trades: list[object], limit: int
) -> Callable[[list[Any]], Awaitable[None]]:
    """Return a processor that subscribes to one stock more for each trade, up to a limit."""

    async def process(messages: list[Any]) -> None:
        trades.extend(messages)
        if len(trades) == limit:
            await client.close()
        client.subscribe(f"T.S{len(trades)}")

    return process


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, and reconnect until the client gives up."""
    with transcript.part("a feed"), transcript.collecting("trades") as trades:
        client = client_of(url)
        await client.connect(enough(client, trades, 250))

    with transcript.part("closed with 1000"), transcript.collecting("trades") as trades:
        client = client_of(url)
        await client.connect(enough(client, trades, 250))

    with transcript.part("reconnecting, in vain"), transcript.collecting("trades") as trades:
        client = client_of(url)
        await client.connect(enough(client, trades, 250))
