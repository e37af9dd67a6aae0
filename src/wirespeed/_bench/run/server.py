"""The server process: accepts connections, and serves on each the work that its path names.

Only one connection is busy at a time, so a thread for each costs nothing. The accepting loop
watches the idle connections, of which there are thousands.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import selectors
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from ..._cli.console import say
from ..._cli.demo.certificate import server_context
from ..._cli.demo.server import end_with_parent
from ..machine import allow_open_files, pin
from ..works import Work
from .server_handshake import shake_hands
from .server_roles import CLOSE_FRAME, serve

_BACKLOG: Final = 1024
# A client that does not finish its opening handshake must not stop the others.
_OPENING_SECONDS: Final = 5.0
_CLOSING_SECONDS: Final = 0.2


class Server:
    """Listens on one port for ws and on one for wss."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._context = server_context()
        self._listening: dict[socket.socket, bool] = {}

    def listen(self, *, tls: bool) -> int:
        """Listen on a port of 127.0.0.1 that the system chooses; return the port."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listening[listening] = tls
        self._selector.register(listening, selectors.EVENT_READ)
        port: int = listening.getsockname()[1]
        return port

    def run(self) -> None:
        """Serve forever."""
        while True:
            for key, _ in self._selector.select():
                sock = key.fileobj
                if not isinstance(sock, socket.socket):
                    continue
                if sock in self._listening:
                    self._accept(sock)
                else:
                    self._read_idle(sock)

    def _accept(self, listening: socket.socket) -> None:
        sock, _ = listening.accept()
        try:
            sock.settimeout(_OPENING_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._listening[listening]:
                sock = self._context.wrap_socket(sock, server_side=True)
            work = Work(**json.loads(unquote(shake_hands(sock).lstrip("/"))))
        except (OSError, ValueError, TypeError):
            sock.close()
            return
        sock.settimeout(None)
        if work.kind in ("handshake", "memory"):
            self._selector.register(sock, selectors.EVENT_READ)
        else:
            threading.Thread(target=serve, args=(sock, work), daemon=True).start()

    def _read_idle(self, sock: socket.socket) -> None:
        """Answer the Close frame of an idle connection: its client sends nothing else."""
        self._selector.unregister(sock)
        with sock, contextlib.suppress(OSError):
            if sock.recv(1024):
                sock.sendall(CLOSE_FRAME)
                if isinstance(sock, ssl.SSLSocket):
                    sock.settimeout(_CLOSING_SECONDS)
                    sock.unwrap()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until standard input ends; print the two ports as the first line of output."""
    parser = argparse.ArgumentParser(prog="wirespeed._bench.run.server", description=__doc__)
    parser.add_argument("--core", type=int)
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    pin(arguments.core)
    allow_open_files()
    server = Server()
    ports = {"ws": server.listen(tls=False), "wss": server.listen(tls=True)}
    say(json.dumps(ports))
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
