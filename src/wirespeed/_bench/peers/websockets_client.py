"""`websockets`: its asyncio client, with its C extension."""

from __future__ import annotations

import importlib.util
import ssl
from typing import ClassVar

from websockets.asyncio.client import connect

from .recv import Recv

_SPEEDUPS = "with" if importlib.util.find_spec("websockets.speedups") else "WITHOUT"


class WebsocketsRecv(Recv):
    """Receives with `recv`, sends with `send`."""

    packages: ClassVar[tuple[str, ...]] = ("websockets",)
    settings: ClassVar[str] = (
        "compression=None unless the work is compressed, max_size=None, max_queue=4096,"
        " ping_interval=None, proxy=None;"
        f" {_SPEEDUPS} its C extension"
    )

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        # The default queue of 16 messages would pause and resume reading all the time.
        self._ws = await connect(
            url,
            ssl=context,
            compression=self._compression,
            max_size=None,
            max_queue=4096,
            ping_interval=None,
            proxy=None,
        )
