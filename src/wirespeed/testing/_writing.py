"""Writes a script's bytes: whole or in pieces, and ends the stream in any way.

Does not know frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from ..exceptions import ConnectionDisconnected

__all__ = ["ClientGone", "Writing"]


class ClientGone(ConnectionDisconnected):
    """A script sent something to a client that is gone; this ends the script, without a failure."""


class Writing:
    """The server's half of a stream.

    Attributes:
        size: how many bytes are given to the network at once; `None` for all of them.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.size: int | None = None
        self._writer = writer
        self._lock = asyncio.Lock()

    @property
    def is_blocked(self) -> bool:
        """Whether somebody is writing, and waits for the client to read."""
        return self._lock.locked()

    @property
    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._writer.is_closing()

    async def write(self, data: bytes) -> None:
        """Write `data` without anything else between its pieces; wait for room in the transport.

        Raises:
            ClientGone: the client is gone.
        """
        size = self.size or len(data) or 1
        async with self._lock:
            for start in range(0, len(data), size):
                if self._writer.is_closing():
                    raise ClientGone("the client is gone")
                try:
                    self._writer.write(data[start : start + size])
                    await self._writer.drain()
                except OSError as exc:
                    raise ClientGone(f"the client is gone: {exc}") from exc
                if size < len(data):
                    # The client's event loop reads one piece before the next one is written.
                    await asyncio.sleep(0)

    def write_now(self, data: bytes) -> None:
        """Write `data` without waiting; only while nobody else writes."""
        self._writer.write(data)

    def end(self) -> None:
        """End the stream after what was written."""
        self._writer.close()

    def abort(self) -> None:
        """End the stream now."""
        self._writer.transport.abort()

    def reset(self) -> None:
        """End the stream with a TCP reset."""
        own = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError), socket.fromfd(own.fileno(), own.family, own.type) as it:
            # The socket is closed with RST instead of FIN.
            it.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    async def wait_closed(self) -> None:
        """End the stream, and wait until the socket is free."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
