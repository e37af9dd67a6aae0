"""`wirespeed replay`: serves a recording, to as many clients as come."""

from __future__ import annotations

import asyncio
import os

from ..exceptions import ConnectionDisconnected, ProtocolError
from ..testing import Script, ServerConnection, replay, serve
from .connect import USAGE_ERROR
from .console import complain, note, say


def run(path: str, *, port: int, speed: float, waits: bool) -> int:
    """Serve a recording until Ctrl-C; return the exit status.

    Args:
        path: the file.
        port: the port of 127.0.0.1; 0 for one that the system chooses.
        speed: how many times as fast as recorded.
        waits: whether to wait for messages of the client where the recording has some.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    try:
        script = replay(path, speed=speed, waits=waits)
    except OSError as exc:
        complain(f"cannot read {path}: {exc.strerror or exc}")
        return USAGE_ERROR
    except ValueError as exc:
        complain(str(exc))
        return USAGE_ERROR
    try:
        asyncio.run(_serve(script, port))
    except OSError as exc:
        complain(f"cannot listen on port {port}: {os.strerror(exc.errno) if exc.errno else exc}")
    return 1


async def _serve(script: Script, port: int) -> None:
    async def told(client: ServerConnection) -> None:
        note(f"connection {client.number}: {client.request.path}")
        try:
            await script(client)
            await client.close()
            async for _ in client:
                pass
        except (ConnectionDisconnected, ProtocolError) as exc:
            note(f"connection {client.number}: {exc}")
        else:
            note(f"connection {client.number}: over")

    async with serve(told, timeout=None, port=port) as url:
        say(url)
        await asyncio.Event().wait()
