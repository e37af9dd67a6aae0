"""Queries and subscriptions with gql over its `AIOHTTPWebsocketsTransport`."""

from __future__ import annotations

from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from programs.graphql import talk
from programs.transcript import Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, meet each fault, and reconnect."""
    await talk(transcript, url, AIOHTTPWebsocketsTransport)
