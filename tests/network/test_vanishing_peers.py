"""Openings that meet a peer that is gone, or goes: a clear error at once, and no harm to others.

The peer runs in another thread, so that it acts at any time. While openings fail, the test opens
files, and the client must not close any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import pytest

import wirespeed

TRIES: Final = 12
OPEN_SECONDS: Final = 20.0
REFUSAL: Final = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate"
CONNECTED: Final = b"HTTP/1.1 200 OK\r\n\r\n"

# What the peer sends right after `accept`, and whether it resets the connection then.
ACTS: Final[dict[str, tuple[bytes, bool]]] = {
    "close": (b"", False),
    "reset": (b"", True),
    "half an answer": (b"HTTP/1.1 101 Swit", False),
    "garbage": (b"\x00\xff" * 50, False),
    "refusal": (REFUSAL, False),
    "tunnel, then close": (CONNECTED, False),
}
PLAIN_WAYS: Final = ("ip", "name", "unix", "sock")
PROXIED_WAYS: Final = ("http", "https", "socks5")


class Peer:
    """Accepts connections in a thread, and does the same to each of them."""

    def __init__(self, listening: socket.socket, data: bytes, resets: bool) -> None:
        self._listening = listening
        self._data = data
        self._resets = resets
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        # Wakes `accept`; closing alone would not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            with accepted, contextlib.suppress(OSError):
                if self._data:
                    accepted.sendall(self._data)
                if self._resets and accepted.family == socket.AF_INET:
                    linger = struct.pack("ii", 1, 0)
                    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@contextlib.contextmanager
def peer(way: str, act: str, directory: Path) -> Iterator[dict[str, Any]]:
    """Run a peer; yield the arguments of `connect` that lead to it."""
    data, resets = ACTS[act]
    if way == "unix":
        path = str(directory / "peer")
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(100)
        where: dict[str, Any] = {"host": "localhost", "unix_path": path}
    else:
        listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        port = listening.getsockname()[1]
        where = {"host": f"127.0.0.1:{port}"}
        if way == "name":
            where = {"host": f"localhost:{port}", "family": socket.AF_INET}
        elif way == "sock":
            where = {"host": "localhost", "address": ("127.0.0.1", port)}
        elif way in PROXIED_WAYS:
            where = {"host": "server.example", "proxy": f"{way}://127.0.0.1:{port}"}
    with Peer(listening, data, resets):
        yield where


async def open_once(scheme: str, where: dict[str, Any], context: ssl.SSLContext) -> None:
    """Try to open a connection, which must fail."""
    options = dict(where)
    url = f"{scheme}://{options.pop('host')}/"
    address = options.pop("address", None)
    if address is not None:
        options["sock"] = socket.create_connection(address)
    if scheme == "wss":
        options["ssl"] = context
    if str(options.get("proxy", "")).startswith("https"):
        options["proxy_ssl"] = context
    await wirespeed.connect(url, open_timeout=OPEN_SECONDS, **options)


async def failure_of(opening: asyncio.Task[None]) -> tuple[BaseException | None, int]:
    """Open files until the opening has failed; return its error, and how many were closed."""
    files: list[int] = []
    while not opening.done():
        if len(files) < 100:
            files.append(os.open(os.devnull, os.O_RDONLY))
        await asyncio.sleep(0)
    # What a failed opening leaves to the event loop is done then.
    for _ in range(5):
        await asyncio.sleep(0)
    closed = 0
    for descriptor in files:
        try:
            os.close(descriptor)
        except OSError:
            closed += 1
    return opening.exception(), closed


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("way", [*PLAIN_WAYS, *PROXIED_WAYS])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.usefixtures("transports")
async def test_a_failed_opening_raises_at_once_and_harms_nobody(
    scheme: str, way: str, act: str, tmp_path: Path, client_ssl: ssl.SSLContext
) -> None:
    if way == "socks5":
        pytest.importorskip("python_socks")
    with peer(way, act, tmp_path) as where:
        for _ in range(TRIES):
            opening = asyncio.ensure_future(open_once(scheme, where, client_ssl))
            error, closed = await failure_of(opening)
            assert isinstance(error, wirespeed.HandshakeError | OSError), repr(error)
            assert not isinstance(error, wirespeed.OpenTimeout)
            assert closed == 0
