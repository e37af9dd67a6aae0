"""Queries and subscriptions with gql, over any of its transports for WebSockets."""

from __future__ import annotations

import asyncio
from typing import Any

from gql import Client, gql
from programs.transcript import FAULT_TITLES, Transcript


def client_of(url: str, transport_type: Any) -> Client:
    """Return a client with a transport of its own."""
    transport = transport_type(
        url=f"{url}/graphql",
        headers={"Authorization": "Bearer of-the-test"},
        init_payload={"session": 1},
        subprotocols=[transport_type.GRAPHQLWS_SUBPROTOCOL],
    )
    return Client(transport=transport)


async def talk(transcript: Transcript, url: str, transport_type: Any) -> None:
    """Talk, meet each fault, and reconnect."""
    with transcript.part("queries and a subscription"):
        async with client_of(url, transport_type) as session:
            with transcript.collecting("answers") as answers:
                for n in range(250):
                    answers.append(await echo(session, f"tick {n} €"))
            with transcript.collecting("events") as events:
                async for event in session.subscribe(gql("subscription { count(to: 500) }")):
                    events.append(event)
            with transcript.collecting("answers at once") as answers:
                answers.extend(await asyncio.gather(*(echo(session, f"{n}") for n in range(50))))
            await session.execute(gql("{ nothing }"))

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("answers") as answers:
            async with client_of(url, transport_type) as session:
                for n in range(50):
                    answers.append(await echo(session, f"before it is {title}: {n}"))

    with transcript.part("reconnecting"), transcript.collecting("answers") as answers:
        client = client_of(url, transport_type)
        session = await client.connect_async(reconnecting=True)
        for n in range(30):
            answers.append(await echo(session, f"in spite of restarts: {n}"))
        await client.close_async()


async def echo(session: Any, text: str) -> str:
    """Ask the server to repeat a text."""
    result = await session.execute(gql(f'{{ echo(text: "{text}") }}'))
    return str(result["echo"])
