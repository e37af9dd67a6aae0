"""`wirespeed record`: opens a connection, and keeps its messages in a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .._handshake.url import parse_url
from ..connection import WebSocketConnection
from ..testing._recording import Recorder
from .connect import USAGE_ERROR, Opening, open_connection, standard_input
from .console import complain, note
from .session import Session


def run(opening: Opening, path: Path, *, seconds: float | None) -> int:
    """Record a connection; return the exit status.

    Args:
        opening: what to connect to.
        path: the file, which must not exist.
        seconds: how long to record; `None` until the connection ends.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; raised after the closing handshake.
    """
    try:
        recorder = Recorder(path)
    except OSError as exc:
        complain(f"cannot make {path}: {exc.strerror or exc}")
        return USAGE_ERROR
    try:
        return asyncio.run(_run(opening, recorder, path, seconds))
    finally:
        recorder.close()


async def _run(opening: Opening, recorder: Recorder, path: Path, seconds: float | None) -> int:
    ws = await open_connection(opening)
    if not isinstance(ws, WebSocketConnection):
        return ws
    recorder.begin(parse_url(opening.url).shown, ws.subprotocol)
    lines, is_terminal = standard_input()
    session = Session(ws, lines, 0 if is_terminal else float("inf"), recorder)
    note(f"recording {parse_url(opening.url).shown}; Ctrl-C ends")
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
