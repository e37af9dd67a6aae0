"""`wirespeed connect`: opens a connection and runs a session on it, or reports the error."""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import ssl
import sys
from dataclasses import dataclass

from .._handshake.url import parse_url
from ..client import connect
from ..connection import WebSocketConnection
from ..exceptions import WebSocketError
from .console import complain, note
from .session import Session
from .stdin_lines import LineReader

USAGE_ERROR = 2


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What to connect to, from the command line.

    Attributes:
        url: as for `wirespeed.connect`.
        headers: headers to add to the request.
        subprotocols: subprotocols to offer.
        ca: a file of certificates to trust instead of the system's; `None` for the system's.
    """

    url: str
    headers: list[tuple[str, str]]
    subprotocols: list[str]
    ca: str | None


def run(opening: Opening, *, linger: float) -> int:
    """Run a session; return the exit status.

    Args:
        opening: what to connect to.
        linger: if the input is not a terminal, its end closes the connection once the server has
            sent nothing for this many seconds.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; raised after the closing handshake.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The encoding of standard output may lack characters.
        sys.stdout.reconfigure(errors="backslashreplace")
    return asyncio.run(_run(opening, linger))


async def _run(opening: Opening, linger: float) -> int:
    ws = await open_connection(opening)
    if not isinstance(ws, WebSocketConnection):
        return ws
    lines, is_terminal = standard_input()
    if is_terminal:
        subprotocol = "" if ws.subprotocol is None else f", subprotocol {ws.subprotocol}"
        note(f"connected to {parse_url(opening.url)}{subprotocol}; Ctrl-D closes")
    return await Session(ws, lines, 0 if is_terminal else linger).run()


async def open_connection(opening: Opening) -> WebSocketConnection | int:
    """Open a connection; if that fails, complain and return the exit status."""
    ca = opening.ca
    try:
        context = None if ca is None else ssl.create_default_context(cafile=ca)
    except OSError as exc:
        complain(f"cannot use the certificates of {ca}: {exc.strerror or exc}")
        return USAGE_ERROR
    loop = asyncio.get_running_loop()
    # Some transports log a failed TLS handshake besides raising it.
    loop.set_exception_handler(lambda loop, context: None)
    try:
        ws = await connect(
            opening.url,
            headers=opening.headers,
            subprotocols=opening.subprotocols,
            ssl=context,
        )
    except OSError as exc:
        # Before ValueError: the error of an unverified certificate is both.
        complain(f"cannot connect: {_why(exc)}")
        return 1
    except ValueError as exc:
        complain(str(exc))
        return USAGE_ERROR
    loop.set_exception_handler(None)
    return ws


def standard_input() -> tuple[LineReader | None, bool]:
    """Return a reader of standard input, `None` if it is closed, and whether it is a terminal."""
    if sys.stdin is None:
        return None, False
    raw: io.RawIOBase = sys.stdin.buffer.raw  # type: ignore[union-attr]
    return LineReader(raw), sys.stdin.isatty()


def _why(exc: OSError) -> str:
    """Return the reason for a failure in words, without addresses or C source lines."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {exc.verify_message}"
    if isinstance(exc, WebSocketError | ssl.SSLError) or not exc.errno:
        # asyncio raises some errors without a text.
        return str(exc) or re.sub("(?<=[a-z])(?=[A-Z])", " ", type(exc).__name__).lower()
    if isinstance(exc, socket.gaierror):
        return str(exc.strerror)
    return os.strerror(exc.errno)
