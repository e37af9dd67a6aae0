"""`wirespeed.compat.websockets`, called in the same way as `websockets` in `websockets_client`.

Messages are received with `async for`, which is its fastest way.
"""

from __future__ import annotations

import json
import ssl
from typing import ClassVar

from ..._codec import backend
from ...compat.websockets.asyncio.client import connect
from .client import Arrivals, Message
from .recv import Recv


class Iterate(Recv):
    """Receives with `async for`, sends with `send`."""

    packages: ClassVar[tuple[str, ...]] = ("wirespeed", "aiofastnet")
    settings: ClassVar[str] = (
        "compression=None unless the work is compressed, max_size=None, max_queue=4096,"
        f" ping_interval=None, proxy=None; {backend.implementation}"
    )
    receives: ClassVar[str] = "async for"

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        self._ws = await connect(
            url,
            ssl=context,
            compression=self._compression,
            max_size=None,
            max_queue=4096,
            ping_interval=None,
            proxy=None,
        )

    async def receive(self, count: int) -> Message:
        """Receive messages one by one."""
        left = count
        loads = json.loads if self._json else None
        async for message in self._ws:
            value = message if loads is None else loads(message)
            left -= 1
            if not left:
                return value
        return None

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Record the time of each message."""
        take_time, take_message, now = arrivals
        left = count
        async for message in self._ws:
            take_time(now())
            take_message(message)
            left -= 1
            if not left:
                return
