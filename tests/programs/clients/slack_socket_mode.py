"""Events of Slack's socket mode with slack_sdk's client on aiohttp, which reconnects by itself."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from programs.transcript import Transcript
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

# The client pings this often, and waits as long before it tries again.
PING_SECONDS = 2.0
LOGGER = logging.getLogger("of-the-test")


class WebClient(AsyncWebClient):  # type: ignore[misc] # slack_sdk is not installed for mypy
    """Gives out the URL of the server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._socket_url = url

    async def apps_connections_open(self, **_options: Any) -> dict[str, str]:
        """Return the URL to connect to, without asking Slack for it."""
        return {"url": self._socket_url}


async def events(transcript: Transcript, url: str, limit: int) -> None:
    """Acknowledge events, up to a limit."""
    enough = asyncio.Event()

    async def ended(message: Any) -> None:
        transcript.say("ended with", message.type.name, message.data, message.extra)

    async def acknowledge(client: SocketModeClient, request: SocketModeRequest) -> None:
        event = request.payload["event"]
        seen.append((request.envelope_id, event))
        if len(seen) == limit:
            enough.set()
        else:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, event))

    client = SocketModeClient(
        app_token="of-the-test",
        web_client=WebClient(f"{url}/link"),
        ping_interval=PING_SECONDS,
        logger=LOGGER,
        on_close_listeners=[ended],
        on_error_listeners=[ended],
    )
    client.socket_mode_request_listeners.append(acknowledge)
    with transcript.collecting("events") as seen:
        await client.connect()
        transcript.say("connected:", await client.is_connected())
        await enough.wait()
        await client.close()
        transcript.say("connected:", await client.is_connected())


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, and reconnect after each fault."""
    with transcript.log_of(LOGGER.name, logging.ERROR):
        with transcript.part("events"):
            await events(transcript, url, 250)
        with transcript.part("closed with codes, reset, refused with 401 and 503"):
            await events(transcript, url, 4 * 20 + 30)
