"""`picows.websockets`, the interface of `websockets` on top of `picows`.

The calls are those of `websockets_client`.
"""

from __future__ import annotations

import ssl
from typing import ClassVar

from picows.websockets.asyncio.client import connect

from .recv import Recv


class PicowsRecv(Recv):
    """Receives with `recv`, sends with `send`; the transports are those of aiofastnet."""

    packages: ClassVar[tuple[str, ...]] = ("picows", "aiofastnet")
    settings: ClassVar[str] = (
        "compression=None unless the work is compressed, max_size=None, max_queue=None,"
        " ping_interval=None, proxy=None"
    )

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""
        self._ws = await connect(
            url,
            ssl=context,
            compression=self._compression,
            max_size=None,
            max_queue=None,
            ping_interval=None,
            proxy=None,
        )
