"""Names that resolve to what the test says, and addresses that answer as it says.

Must not ask a name server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

import pytest

NAME: Final = "feed.example"

# A listening socket with no backlog takes one connection; a few more make sure that it is full.
FILLERS: Final = 4


def resolve(monkeypatch: pytest.MonkeyPatch, *listening: socket.socket) -> None:
    """Let any name stand for the addresses of these sockets, in this order."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [(sock.family, sock.type, 0, "", sock.getsockname()) for sock in listening]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)


def resolve_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no name be resolved, nor refused."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)


@contextlib.contextmanager
def closed_port() -> Iterator[socket.socket]:
    """Give an address that refuses."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@contextlib.contextmanager
def silent_port() -> Iterator[socket.socket]:
    """Give an address that does not answer, not even with a refusal."""
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
