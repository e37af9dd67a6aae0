"""A feed through cryptofeed's `WSAsyncConn` and its `ConnectionHandler`, which reconnects."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cryptofeed.connection import WebsocketEndpoint, WSAsyncConn
from cryptofeed.connection_handler import ConnectionHandler
from programs.transcript import Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Read a feed across restarts, until the tenth trade of the last connection."""
    with (
        transcript.log_of("feedhandler"),
        transcript.part("a feed"),
        transcript.collecting("trades") as trades,
    ):

        async def subscribe(connection: Any) -> None:
            await connection.write(json.dumps({"subscribe": 0}))

        async def handle(message: str, connection: Any, _timestamp: float) -> None:
            trades.append(message)
            if len(trades) == 249 + 3 * 19 + 10:
                handler.running = False
            await connection.write(json.dumps({"subscribe": len(trades)}))

        async def authenticate(connection: Any) -> None:
            trades.append(f"open: {connection.is_open}")

        options = WebsocketEndpoint(url).options
        connection = WSAsyncConn(f"{url}/feed", "of-the-test", **options)
        handler = ConnectionHandler(
            connection, subscribe, handle, authenticate, retries=3, timeout=-1
        )
        handler.start(asyncio.get_running_loop())
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    transcript.say(f"sent {connection.sent}, received {connection.received}")
