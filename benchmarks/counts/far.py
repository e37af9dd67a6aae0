"""The side channel from a client to the server process.

A meeting blocks the client's process and costs it two system calls, however long the server
takes.
"""

from __future__ import annotations

import socket


class FarEnd:
    """The other end, as a client sees it beside its connection."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)

    def meet(self) -> None:
        """Wait until the other end has written the next block, or has taken the last one."""
        self._socket.send(b".")
        self._socket.recv(1)
