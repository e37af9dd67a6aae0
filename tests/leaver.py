"""A peer that sends its messages and leaves, in a thread: it acts while the client does not read.

Does not use the code under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import reference
from ends import collect
from rawserver import CLOSE, TEXT, accept_response, close_payload, linger_no_longer, parse_upgrade

import wirespeed
from wirespeed import ConnectionDisconnected, WebSocketConnection

MESSAGES: Final = [f"{number:03}".ljust(1024, ".") for number in range(40)]
CLOSE_FRAME: Final = reference.frame(CLOSE, close_payload(1000, "bye"))
# So many are sent before the client's queue is full, and it stops reading.
FIRST: Final = 5
# How long a thread waits for the test; a test that takes longer has failed.
PATIENCE_SECONDS: Final = 30.0


class Leave(enum.Enum):
    """What the peer does after its last frame."""

    CLOSE = "closes its socket"
    RESET = "resets the connection"
    CLOSE_NOTIFY = "ends TLS, and closes its socket"
    HALF_CLOSE = "ends its side of the stream, and goes on reading"
    DEAF = "has stopped reading before it sends the rest, and closes its socket"


Tunnel = Callable[[socket.socket], socket.socket]
Write = Callable[[WebSocketConnection], Awaitable[object]]


def text_frames(messages: list[str]) -> bytes:
    """Build one frame for each message."""
    return b"".join(reference.frame(TEXT, message.encode()) for message in messages)


class Leaver:
    """A server in a thread, for one connection.

    Args:
        listening: where it listens; it is closed once the connection is accepted.
        where: the arguments of `connect` that lead here.
        leave: what the peer does at the end.
        first: the frames that it sends at once.
        rest: the frames that it sends when it may leave.
        headers: header lines of its response.
        tls: serve TLS.
        after: the peer that accepts the connection before, from the same socket.
        tunnel: plays the part of a proxy in front of this peer, and returns the socket inside.

    Attributes:
        where: the arguments of `connect` that lead here.
        has_accepted: set once the connection is accepted.
        may_leave: set it to let the rest be sent, and the peer leave.
        is_deaf: set once a peer that is to be deaf has stopped reading.
        has_left: set once the peer has left.
        received: the bytes that came from the client, if the peer went on reading.
    """

    def __init__(
        self,
        listening: socket.socket,
        where: dict[str, Any],
        *,
        leave: Leave = Leave.CLOSE,
        first: bytes = text_frames(MESSAGES[:FIRST]),
        rest: bytes = text_frames(MESSAGES[FIRST:]) + CLOSE_FRAME,
        headers: tuple[str, ...] = (),
        tls: ssl.SSLContext | None = None,
        after: Leaver | None = None,
        tunnel: Tunnel | None = None,
    ) -> None:
        self._tunnel = tunnel
        self._after = after
        self.where = where
        self.has_accepted = threading.Event()
        self.may_leave = threading.Event()
        self.is_deaf = threading.Event()
        self.has_left = threading.Event()
        self.received = b""
        self._listening = listening
        self._leave = leave
        self._first = first
        self._rest = rest
        self._headers = headers
        self._tls = tls
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._listening:
                if self._after is not None:
                    self._after.has_accepted.wait(PATIENCE_SECONDS)
                self._listening.settimeout(PATIENCE_SECONDS)
                plain = self._listening.accept()[0]
                self.has_accepted.set()
            plain.settimeout(PATIENCE_SECONDS)
            with (
                plain if self._tunnel is None else self._tunnel(plain) as inside,
                inside if self._tls is None else self._wrapped(inside) as own,
            ):
                self._serve(own)
        except Exception as exc:
            self._failure = exc
        finally:
            self.has_left.set()

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        assert self._tls is not None
        return self._tls.wrap_socket(plain, server_side=True)

    def _serve(self, own: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += own.recv(4096)
        own.sendall(accept_response(parse_upgrade(head), *self._headers) + self._first)
        if self._leave is Leave.DEAF:
            own.shutdown(socket.SHUT_RD)
            self.is_deaf.set()
        self.may_leave.wait(PATIENCE_SECONDS)
        if self._rest:
            own.sendall(self._rest)
        if self._leave is Leave.RESET:
            linger_no_longer(own)
        elif self._leave is Leave.CLOSE_NOTIFY:
            assert isinstance(own, ssl.SSLSocket)
            # It sends close_notify, and would then wait for the client's.
            own.settimeout(0)
            with contextlib.suppress(OSError):
                own.unwrap()
        elif self._leave is Leave.HALF_CLOSE:
            own.shutdown(socket.SHUT_WR)
            self.has_left.set()
            while data := own.recv(65536):
                self.received += data

    async def left(self) -> None:
        """Let the peer send the rest and leave, and wait until it has."""
        self.may_leave.set()
        await asyncio.to_thread(self.has_left.wait, PATIENCE_SECONDS)

    def left_meanwhile(self) -> None:
        """Like `left`, while the event loop is blocked: the client can read nothing."""
        self.may_leave.set()
        assert self.has_left.wait(PATIENCE_SECONDS)

    @property
    def authority(self) -> str:
        """Host and port."""
        return urlsplit(str(self.where["url"])).netloc

    def join(self) -> None:
        """Wait for the thread; raise what it raised."""
        self.may_leave.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure


@contextlib.contextmanager
def leaving(
    path: Path | None = None, *, listening: socket.socket | None = None, **options: Any
) -> Iterator[Leaver]:
    """Run a `Leaver` for the duration of the block.

    Args:
        path: where to put a Unix socket; `None` for TCP.
        listening: a socket that listens already, which the peer closes; `None` for a new one.
        options: for `Leaver`.
    """
    if path is not None:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()
        where = {"url": "ws://localhost/", "unix_path": str(path)}
    else:
        listening = listening or socket.create_server(("127.0.0.1", 0))
        scheme = "ws" if options.get("tls") is None else "wss"
        where = {"url": f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"}
    server = Leaver(listening, where, **options)
    try:
        yield server
    finally:
        server.join()


async def first_of(server: Leaver, **options: Any) -> tuple[WebSocketConnection, list[str | bytes]]:
    """Open a connection whose queue is full, and let the peer leave.

    Returns:
        The connection, and the message that was received.
    """
    ws = await wirespeed.connect(
        **server.where, **{"max_queue": 2, "ping_interval": None} | options
    )
    received: list[str | bytes] = [await ws.receive_text()]
    await server.left()
    return ws, received


async def read_until_it_fails(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    """Append all messages to `received`; the connection must not end cleanly."""
    with pytest.raises(ConnectionDisconnected) as raised:
        await collect(ws, received)
    assert raised.value.code == 1006


async def write_until_it_fails(ws: WebSocketConnection, write: Write | None = None) -> None:
    """Write until sends are refused; on a reset, the first write may still succeed."""
    with pytest.raises(ConnectionDisconnected):
        while True:
            await (ws.send_text("late") if write is None else write(ws))
            await asyncio.sleep(0)
