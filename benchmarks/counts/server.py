"""The server of each work. It runs in a process of its own, which is not counted.

Each run receives the same data in the same reads. A block is written while the client waits for
it, and single messages leave only while the client sleeps.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

from .works import Work

# Of each wait: a worker starts in eight seconds, and a block takes less than one.
TIMEOUT_SECONDS: Final = 60.0
# Much less than a client under valgrind needs for a message.
POLL_SECONDS: Final = 0.00005
MASK_BYTES: Final = 4


class Peer:
    """A client in another process: its connection, its side channel and its state."""

    def __init__(self, listener: socket.socket) -> None:
        self.meetings = accept(listener)
        credentials = self.meetings.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid: int = struct.unpack("3i", credentials)[0]
        self.connection = accept(listener)
        self._stat = os.open(f"/proc/{self.pid}/stat", os.O_RDONLY)

    def close(self) -> None:
        """Let go of it."""
        self.meetings.close()
        self.connection.close()
        os.close(self._stat)

    def is_met(self) -> bool:
        """Wait for the client at a meeting; tell whether it is still there."""
        with contextlib.suppress(ConnectionError):
            return self.meetings.recv(1) == b"."
        return False

    def part(self) -> None:
        """End a meeting."""
        self.meetings.send(b".")

    def wait_until_asleep(self) -> None:
        """Wait until the client's event loop has nothing to do.

        Raises:
            TimeoutError: it always has.
            ProcessLookupError: the client is gone.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (state := self._state()) != b"S":
            if state in b"ZX":
                raise ProcessLookupError
            if time.monotonic() > deadline:
                raise TimeoutError("the client does not wait for a message")
            time.sleep(POLL_SECONDS)

    def _state(self) -> bytes:
        # Behind the name of the program, which may have any characters.
        return os.pread(self._stat, 512, 0).rpartition(b")")[2][1:2]


def accept(listener: socket.socket) -> socket.socket:
    """Accept a connection that waits no longer than allowed."""
    connection, _ = listener.accept()
    connection.settimeout(TIMEOUT_SECONDS)
    return connection


def open_websocket(connection: socket.socket) -> None:
    """Answer the opening handshake."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += connection.recv(65536)
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    assert key is not None
    digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def frame(work: Work) -> bytes:
    """Make the frame of one message, as a server sends it."""
    first = 0x82 if work.is_binary else 0x81
    if work.size < 126:
        header = struct.pack("!BB", first, work.size)
    elif work.size < 65_536:
        header = struct.pack("!BBH", first, 126, work.size)
    else:
        header = struct.pack("!BBQ", first, 127, work.size)
    return header + b"a" * work.size


def read_exactly(connection: socket.socket, size: int) -> None:
    """Swallow so many bytes.

    Raises:
        ConnectionError: the client is gone.
    """
    while size:
        data = connection.recv(min(size, 1 << 20))
        if not data:
            raise ConnectionError("the client has left too early")
        size -= len(data)


def write_blocks(peer: Peer, work: Work, count: int) -> None:
    """Write a block when asked for it."""
    block = frame(work) * work.block
    while peer.is_met():
        peer.connection.sendall(block)
        peer.part()


def write_singly(peer: Peer, work: Work, count: int) -> None:
    """Write each message when the client sleeps."""
    message = frame(work)
    for _ in range(count):
        peer.wait_until_asleep()
        peer.connection.sendall(message)


def answer(peer: Peer, work: Work, count: int) -> None:
    """Answer each message when the client sleeps.

    An answer that came earlier would save the client a turn of its loop now and then.
    """
    message = frame(work)
    for _ in range(count):
        read_exactly(peer.connection, len(message) + MASK_BYTES)
        peer.wait_until_asleep()
        peer.connection.sendall(message)


def read_blocks(peer: Peer, work: Work, count: int) -> None:
    """Take each block before the client goes on."""
    size = (len(frame(work)) + MASK_BYTES) * work.block
    for _ in range(count // work.block):
        read_exactly(peer.connection, size)
        assert peer.is_met()
        peer.part()


SERVICES: Final[dict[str, Callable[[Peer, Work, int], None]]] = {
    "receive": write_blocks,
    "batches": write_blocks,
    "feed": write_singly,
    "echo": answer,
    "send": read_blocks,
    "send_many": read_blocks,
}


def serve(listener: socket.socket, work: Work, count: int) -> int:
    """Serve the next client to the end of its work.

    Returns:
        The number of its process.
    """
    with contextlib.closing(Peer(listener)) as peer:
        open_websocket(peer.connection)
        SERVICES[work.way](peer, work, count)
        return peer.pid
