"""Subscriptions with solana's `SolanaWsClient`."""

from __future__ import annotations

from programs.transcript import FAULT_TITLES, Transcript
from solana.rpc.websocket_api import SolanaWsClient


async def scenario(transcript: Transcript, url: str) -> None:
    """Subscribe and unsubscribe, and meet each fault."""
    with transcript.part("subscriptions"), transcript.collecting("notifications") as seen:
        async with SolanaWsClient(url) as client:
            await subscribed(client, seen, 110)
            transcript.say(client.connection_state)
            await client.root_subscribe()
        transcript.say(client.connection_state)

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("notifications") as seen:
            async with SolanaWsClient(url) as client:
                await subscribed(client, seen, 50)

    with transcript.part("closed by the client"), transcript.collecting("notifications") as seen:
        async with SolanaWsClient(url) as client:
            await subscribed(client, seen, 1)
            await client.close(4000, "enough")
            transcript.say(client.connection_state)
            await client.recv()


async def subscribed(client: SolanaWsClient, seen: list[object], count: int) -> None:
    """Subscribe, take the three notifications, and unsubscribe, some times."""
    for _ in range(count):
        subscription = await client.slot_subscribe()
        seen += [await client.recv() for _ in range(3)]
        await client.unsubscribe(subscription)
