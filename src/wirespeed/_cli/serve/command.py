"""`wirespeed serve` and `wirespeed replay`: serve a script until Ctrl-C, to as many as come."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from typing import Final
from urllib.parse import urlsplit

from ...exceptions import ConnectionDisconnected, ProtocolError
from ...testing import Script, ServerConnection, replay
from ...testing._connection import CLEAN_CLOSE_CODES
from ...testing._limits import Limits
from ...testing._server import Server
from ..console import complain, note, say
from ..opening import FAILED, USAGE_ERROR
from . import scripts

_LIMITS: Final = Limits(
    connections=100, request_seconds=10.0, message_bytes=1 << 20, queue_bytes=1 << 20
)
# How long a client may take for its part of the closing handshake.
_CLOSE_SECONDS: Final = 10.0
_OWN_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def echo(port: int) -> int:
    """Send each message back, until Ctrl-C; return the exit status."""
    return _run(scripts.echo, port)


def chat(port: int) -> int:
    """Send each message to all other clients, until Ctrl-C; return the exit status."""
    return _run(scripts.Chat(), port)


def feed(port: int, *, rate: float, count: int | None) -> int:
    """Send ticks, until Ctrl-C; return the exit status.

    Args:
        port: the port of 127.0.0.1; 0 for one that the system chooses.
        rate: messages a second.
        count: how many messages each client gets; `None` for no end.
    """
    return _run(scripts.Feed(rate, count), port)


def replay_file(port: int, path: str, *, speed: float, waits: bool) -> int:
    """Serve a recording until Ctrl-C; return the exit status.

    Args:
        port: the port of 127.0.0.1; 0 for one that the system chooses.
        path: the file.
        speed: how many times as fast as recorded.
        waits: whether to wait for messages of the client where the recording has some.
    """
    try:
        script = replay(path, speed=speed, waits=waits)
    except OSError as exc:
        complain(f"cannot read {path}: {exc.strerror or exc}")
        return USAGE_ERROR
    except ValueError as exc:
        complain(str(exc))
        return USAGE_ERROR
    return _run(script, port)


def _run(script: Script, port: int) -> int:
    try:
        asyncio.run(_serve(script, port))
    except OSError as exc:
        complain(f"cannot listen on port {port}: {os.strerror(exc.errno) if exc.errno else exc}")
    return FAILED


async def _serve(script: Script, port: int) -> None:
    server = Server(
        (_told(script),),
        timeout=_CLOSE_SECONDS,
        accept=False,
        subprotocols=(),
        ssl=None,
        port=port,
        limits=_LIMITS,
    )
    async with server as url:
        say(url)
        await asyncio.Event().wait()


def _told(script: Script) -> Script:
    """Return a script that says what happens to each connection, and never fails."""

    async def told(client: ServerConnection) -> None:
        if not await _accept(client):
            return
        note(f"connection {client.number}: {client.request.path}")
        outcome = await _outcome(script(client))
        await client.close()
        # What the client did wrong is told here if the script did not wait for a message.
        outcome = await _outcome(_the_rest(client)) or outcome
        if not outcome or client.close_code in CLEAN_CLOSE_CODES:
            outcome = "over"
        note(f"connection {client.number}: {outcome}")

    return told


async def _outcome(script: Awaitable[object]) -> str:
    """Run a script; return in words why it could not go on, empty if it could."""
    try:
        await script
    except (ConnectionDisconnected, ProtocolError) as exc:
        return str(exc)
    return ""


async def _the_rest(client: ServerConnection) -> None:
    async for _ in client:
        pass


async def _accept(client: ServerConnection) -> bool:
    """Accept a client with the first subprotocol that it offers; refuse a page of another site.

    Any page that a browser shows can connect to 127.0.0.1, and a recording may hold secrets
    (RFC 6455 section 10.2).
    """
    origin = client.request.headers.get("Origin")
    if origin is not None and not _is_own(origin):
        note(f"connection {client.number}: refused, it comes from {origin}")
        await client.refuse(403, body="only pages of this machine may connect\n")
        return False
    await client.accept(subprotocol=next(iter(client.request.subprotocols), None))
    return True


def _is_own(origin: str) -> bool:
    try:
        return urlsplit(origin).hostname in _OWN_HOSTS
    except ValueError:
        return False
