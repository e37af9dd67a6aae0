"""`aiosonic`."""

from __future__ import annotations

import ssl
from typing import Any, ClassVar

import aiosonic

from .aiosonic_calls import Calls

_client: Any = aiosonic.WebSocketClient()


class Receive(Calls):
    """Receives with `receive_text` and `receive_bytes`, sends with `send_text` and `send_bytes`."""

    packages: ClassVar[tuple[str, ...]] = ("aiosonic",)
    settings: ClassVar[str] = "start_keepalive=False, max_msg_size=None, queue_maxsize=4096"

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        self._ws = await _client.connect(
            url,
            ssl=context,
            start_keepalive=False,
            max_msg_size=None,
            conn_opts={"queue_maxsize": 4096},
        )
