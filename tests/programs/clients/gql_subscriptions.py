"""Queries and subscriptions with gql over its `WebsocketsTransport`."""

from __future__ import annotations

from gql.transport.websockets import WebsocketsTransport
from programs.graphql import talk
from programs.transcript import Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, meet each fault, and reconnect."""
    await talk(transcript, url, WebsocketsTransport)
