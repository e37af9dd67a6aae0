"""`wirespeed connect`: opens a connection, or one after the other, and runs a session on each."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

from .._handshake.url import parse_url
from ..connection import WebSocketConnection
from ..testing._recording import Recorder
from .console import complain, note
from .input.user import User, user_of_standard_input
from .opening import (
    FAILED,
    USAGE_ERROR,
    Opening,
    Unusable,
    complain_of,
    connecting,
    log_shown,
    open_connection,
)
from .output import Output
from .printer import Printer
from .session import Manner, Session


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What to do with the connection, from the command line.

    Attributes:
        linger: if the input is not a terminal, its end closes the connection once the server has
            sent nothing for this many seconds; `None` for 1, or for ever with a `count`.
        binary: whether lines are sent as binary messages, and such messages printed as they are.
        as_json: whether JSON is laid out.
        count: how many messages to print; `None` for all.
        record: the file to record in; `None` to record nothing.
        reconnect: whether to connect again after the end of a connection.
        verbose: whether to show the opening handshake.
    """

    linger: float | None = None
    binary: bool = False
    as_json: bool = False
    count: int | None = None
    record: Path | None = None
    reconnect: bool = False
    verbose: bool = False


def run(opening: Opening, talk: Talk) -> int:
    """Run a session; return the exit status.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; raised after the closing handshake.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The encoding of standard output may lack characters.
        sys.stdout.reconfigure(errors="backslashreplace")
    recorder = None
    if talk.record is not None:
        recorder = new_recorder(talk.record)
        if recorder is None:
            return USAGE_ERROR
    try:
        with log_shown(handshake=talk.verbose):
            return asyncio.run(_run(opening, talk, recorder))
    finally:
        if recorder is not None:
            recorder.close()


def new_recorder(path: Path) -> Recorder | None:
    """Make the file of a recording; if that fails, complain and return `None`."""
    try:
        return Recorder(path)
    except OSError as exc:
        complain(f"cannot make {path}: {exc.strerror or exc}")
        return None


async def _run(opening: Opening, talk: Talk, recorder: Recorder | None) -> int:
    printer = Printer(sys.stdout, as_json=talk.as_json, raw=talk.binary)
    output = Output(printer, recorder, count=talk.count)
    connections = _Connections(opening, talk, recorder, output)
    if talk.reconnect:
        return await connections.one_after_the_other()
    ws = await open_connection(opening)
    if not isinstance(ws, WebSocketConnection):
        return ws
    async with user_of_standard_input() as user:
        return await connections.talk_on(ws, user)


class _Connections:
    """The connections of one command."""

    def __init__(
        self, opening: Opening, talk: Talk, recorder: Recorder | None, output: Output
    ) -> None:
        self._opening = opening
        self._talk = talk
        self._recorder = recorder
        self._output = output
        self._has_recorded = False
        self._is_over = False

    async def one_after_the_other(self) -> int:
        """Run a session on each connection, until the user ends one."""
        try:
            connections = aiter(connecting(self._opening, reconnect=True))
            async with contextlib.aclosing(connections), user_of_standard_input() as user:
                async for ws in connections:
                    status = await self.talk_on(ws, user)
                    if self._is_over:
                        return status
        except (Unusable, OSError, ValueError, ImportError) as exc:
            return complain_of(exc)
        return FAILED

    async def talk_on(self, ws: WebSocketConnection, user: User) -> int:
        """Run a session on a connection; return its exit status."""
        if self._recorder is not None and not self._has_recorded:
            self._recorder.begin(parse_url(self._opening.url).shown, ws.subprotocol)
            self._has_recorded = True
        if user.is_at_terminal:
            subprotocol = "" if ws.subprotocol is None else f", subprotocol {ws.subprotocol}"
            shown = parse_url(self._opening.url).shown
            note(f"connected to {shown}{subprotocol}; Ctrl-D closes, /help lists commands")
        manner = Manner(linger=self._linger(user), binary=self._talk.binary)
        session = Session(ws, user, self._output, manner)
        status = await session.run()
        output = self._output
        self._is_over = not session.ended_by_peer or output.reader_is_gone or output.is_full
        if output.is_full:
            return FAILED if output.has_failed else 0
        if output.lack and session.ended_by_peer and not self._talk.reconnect:
            complain(output.lack)
            return FAILED
        return status

    def _linger(self, user: User) -> float:
        if user.is_at_terminal:
            return 0.0
        if self._talk.linger is not None:
            return self._talk.linger
        return 1.0 if self._talk.count is None else float("inf")
