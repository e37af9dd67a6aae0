"""`wirespeed record`: opens a connection, and keeps its messages in a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .._handshake.url import parse_url
from ..connection import WebSocketConnection
from ..testing._recording import Recorder
from .connect import new_recorder
from .console import note
from .input.user import user_of_standard_input
from .opening import USAGE_ERROR, Opening, log_shown, open_connection
from .output import Output
from .session import Manner, Session


def run(opening: Opening, path: Path, *, seconds: float | None) -> int:
    """Record a connection; return the exit status.

    Args:
        opening: what to connect to.
        path: the file, which must not exist.
        seconds: how long to record; `None` until the connection ends.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; raised after the closing handshake.
    """
    recorder = new_recorder(path)
    if recorder is None:
        return USAGE_ERROR
    try:
        with log_shown(handshake=False):
            return asyncio.run(_run(opening, recorder, path, seconds))
    finally:
        recorder.close()


async def _run(opening: Opening, recorder: Recorder, path: Path, seconds: float | None) -> int:
    ws = await open_connection(opening)
    if not isinstance(ws, WebSocketConnection):
        return ws
    recorder.begin(parse_url(opening.url).shown, ws.subprotocol)
    shown = parse_url(opening.url).shown
    async with user_of_standard_input() as user:
        linger = 0 if user.is_at_terminal else float("inf")
        session = Session(ws, user, Output(None, recorder), Manner(linger=linger))
        note(f"recording {shown}; Ctrl-C ends")
        timer = None
        if seconds is not None:
            timer = asyncio.get_running_loop().call_later(seconds, session.stop)
        try:
            return await session.run()
        finally:
            if timer is not None:
                timer.cancel()
            unit = "message" if recorder.messages == 1 else "messages"
            note(f"{recorder.messages} {unit} in {path}")
