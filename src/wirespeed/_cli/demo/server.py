"""The feed server of `wirespeed demo`: floods one connection with market ticks, and ends.

It runs in a separate process, so that its CPU time does not count as the client's. It uses blocking
sockets, because it serves only one connection.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import os
import select
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

import h11

from ..._base.rfc6455 import (
    HANDSHAKE_GUID,
    OPCODE_CLOSE,
    OPCODE_PING,
    OPCODE_PONG,
    CloseCode,
    frame_header,
)
from ..._codec import backend
from ...exceptions import ProtocolError
from ..console import say
from .certificate import server_context
from .ticks import blocks

_READ_BYTES: Final = 64 * 1024
# How long to wait for a client that has gone silent; the demo's own client does not need it.
_SILENCE_SECONDS: Final = 5.0


class FeedConnection:
    """The server's side of one connection; its methods let socket errors through."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._parser = backend.MessageParser(masked=True)
        self._client_is_gone = False

    def shake_hands(self) -> None:
        """Complete the opening handshake (RFC 6455 section 4.2).

        Raises:
            h11.ProtocolError: the request is not a WebSocket opening handshake.
        """
        http = h11.Connection(h11.SERVER)
        while (request := http.next_event()) is h11.NEED_DATA:
            http.receive_data(self._socket.recv(_READ_BYTES))
        key = b""
        if isinstance(request, h11.Request):
            key = dict(request.headers).get(b"sec-websocket-key", b"")
        if not key:
            raise h11.RemoteProtocolError("the request has no Sec-WebSocket-Key")
        accept = base64.b64encode(
            hashlib.sha1(key + HANDSHAKE_GUID, usedforsecurity=False).digest()
        )
        headers = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Accept", accept),
        ]
        response = h11.InformationalResponse(status_code=101, headers=headers)
        self._socket.sendall(http.send(response) or b"")

    def stream(self, messages: int | None, seconds: float | None) -> None:
        """Send ticks up to either limit, or until the client closes; then close.

        The close reason holds the number of ticks that were sent.
        """
        sent = 0
        end = None if seconds is None else time.monotonic() + seconds
        for count, data in blocks(messages):
            self._socket.sendall(data)
            sent += count
            self._take_input()
            if self._client_is_closing() or (end is not None and time.monotonic() >= end):
                break
        reason = f"{sent} messages".encode()
        payload = int(CloseCode.NORMAL_CLOSURE).to_bytes(2, "big") + reason
        self._socket.sendall(frame_header(OPCODE_CLOSE, len(payload)) + payload)
        self._socket.settimeout(_SILENCE_SECONDS)
        while not self._client_is_closing():
            self._read()

    def _client_is_closing(self) -> bool:
        return self._client_is_gone or self._parser.close is not None

    def _take_input(self) -> None:
        """Read the input that has arrived, without waiting for more."""
        while not self._client_is_closing() and self._has_input():
            self._read()

    def _has_input(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], 0)[0])

    def _read(self) -> None:
        data = self._socket.recv(_READ_BYTES)
        self._client_is_gone = not data
        # The client may send messages; this server ignores them.
        self._parser.feed(data, [])
        for opcode, payload in self._parser.controls:
            if opcode == OPCODE_PING:
                self._socket.sendall(frame_header(OPCODE_PONG, len(payload)) + payload)
        self._parser.controls = []


def serve_one(listening: socket.socket, arguments: argparse.Namespace) -> None:
    """Serve the first connection; an error of the client only ends that connection."""
    sock, _ = listening.accept()
    with contextlib.suppress(OSError, h11.ProtocolError, ProtocolError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if arguments.tls:
            sock = server_context().wrap_socket(sock, server_side=True)
        with sock:
            connection = FeedConnection(sock)
            connection.shake_hands()
            connection.stream(arguments.messages, arguments.seconds)


def end_with_parent() -> None:
    """End this process as soon as the parent's end of standard input is closed.

    The system closes it in whatever way the parent ends, so no server is left behind.
    """

    def wait() -> None:
        # Not `sys.stdin`: this thread would hold its lock when the interpreter shuts down.
        while os.read(0, 1):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one connection on 127.0.0.1; print the port as the first line of output."""
    parser = argparse.ArgumentParser(prog="wirespeed._cli.demo.server", description=__doc__)
    parser.add_argument("--messages", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args(argv)
    # Ctrl-C is for the demo's client, which then closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        say(str(listening.getsockname()[1]))
        serve_one(listening, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
