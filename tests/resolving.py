"""Names that resolve to the addresses a test chooses, and addresses that refuse or stay silent.

No name server is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import pytest

NAME: Final = "feed.example"

# A listening socket with no backlog takes one connection. A few more make sure that it is full.
FILLERS: Final = 4


def resolve(monkeypatch: pytest.MonkeyPatch, *listening: socket.socket) -> None:
    """Make every name resolve to the addresses of these sockets, in this order."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(sock.family, sock.type, 0, "", sock.getsockname()) for sock in listening]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)


def resolve_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make name resolution hang: it never succeeds or fails."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)


@contextlib.contextmanager
def closed_port() -> Iterator[socket.socket]:
    """Yield a socket whose address refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@contextlib.contextmanager
def silent_port() -> Iterator[socket.socket]:
    """Yield a socket whose address does not answer, not even with a refusal."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(FILLERS):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listening.getsockname())
        yield listening
