"""A bot's side of a gateway: hello, heartbeats as announced, sequence numbers, and resuming.

The server says `{"op": "hello", "interval": SECONDS}`. The client identifies itself, or resumes its
session after the last event that it has seen. Events are `{"op": "event", "seq": N, ...}`.
Usage: `python -m examples.gateway.gateway URL TOKEN`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import wirespeed


class Gateway:
    """One session, over as many connections as it takes.

    Args:
        url: where to connect.
        token: what to identify with.
        reconnect: when to connect again.
    """

    def __init__(self, url: str, token: str, reconnect: wirespeed.Reconnect | None = None) -> None:
        self._url = url
        self._token = token
        self._reconnect = reconnect
        self._session: str | None = None
        self._seen = 0

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the events, each once and in order, across connections.

        Raises:
            OSError: there will be no further connection.
        """
        async for ws in wirespeed.connect(self._url, reconnect=self._reconnect):
            try:
                async for message in ws.json():
                    if message["op"] == "event" and message["seq"] > self._seen:
                        self._seen = message["seq"]
                        yield message
                    elif message["op"] != "event":
                        await self._obey(ws, message)
            except wirespeed.ConnectionDisconnected:
                continue

    async def _obey(self, ws: wirespeed.WebSocketConnection, message: dict[str, Any]) -> None:
        if message["op"] == "hello":
            ws.start_heartbeat(
                wirespeed.Heartbeat(
                    interval=message["interval"],
                    payload=self._beat,
                    timeout=message["interval"],
                    is_answer=_is_ack,
                    only_in_silence=False,
                )
            )
            await ws.send_json(self._greeting())
        elif message["op"] == "ready":
            self._session = message["session"]
        elif message["op"] == "invalid session":
            # It was away too long: what was missed is lost, so it begins again.
            self._session, self._seen = None, 0
            await ws.send_json(self._greeting())
        elif message["op"] == "reconnect":
            await ws.close()

    def _greeting(self) -> dict[str, Any]:
        if self._session is None:
            return {"op": "identify", "token": self._token}
        return {"op": "resume", "token": self._token, "session": self._session, "seq": self._seen}

    def _beat(self) -> str:
        return json.dumps({"op": "heartbeat", "seq": self._seen})


def _is_ack(data: str | bytes) -> bool:
    # Without decoding each message twice.
    return b'"ack"' in data if isinstance(data, bytes) else '"ack"' in data


async def main(url: str, token: str) -> None:
    """Print the events."""
    async for event in Gateway(url, token).events():
        print(event)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
