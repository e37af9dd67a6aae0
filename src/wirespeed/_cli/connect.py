"""`wirespeed connect`: opens a connection and runs a session on it, or reports the error."""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import ssl
import sys

from .._handshake.url import parse_url
from ..client import connect
from ..exceptions import WebSocketError
from .console import complain, note
from .session import Session
from .stdin_lines import LineReader

USAGE_ERROR = 2


def run(
    url: str,
    *,
    headers: list[tuple[str, str]],
    subprotocols: list[str],
    ca: str | None,
    linger: float,
) -> int:
    """Run a session; return the exit status.

    Args:
        url: as for `wirespeed.connect`.
        headers: headers to add to the request.
        subprotocols: subprotocols to offer.
        ca: a file of certificates to trust instead of the system's; `None` for the system's.
        linger: if the input is not a terminal, its end closes the connection once the server has
            sent nothing for this many seconds.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; raised after the closing handshake.
    """
    try:
        context = None if ca is None else ssl.create_default_context(cafile=ca)
    except OSError as exc:
        complain(f"cannot use the certificates of {ca}: {exc.strerror or exc}")
        return USAGE_ERROR
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The encoding of standard output may lack characters.
        sys.stdout.reconfigure(errors="backslashreplace")
    return asyncio.run(_run(url, headers, subprotocols, context, linger))


async def _run(
    url: str,
    headers: list[tuple[str, str]],
    subprotocols: list[str],
    context: ssl.SSLContext | None,
    linger: float,
) -> int:
    loop = asyncio.get_running_loop()
    # Some transports log a failed TLS handshake besides raising it.
    loop.set_exception_handler(lambda loop, context: None)
    try:
        ws = await connect(url, headers=headers, subprotocols=subprotocols, ssl=context)
    except OSError as exc:
        # Before ValueError: the error of an unverified certificate is both.
        complain(f"cannot connect: {_why(exc)}")
        return 1
    except ValueError as exc:
        complain(str(exc))
        return USAGE_ERROR
    loop.set_exception_handler(None)
    interactive = sys.stdin is not None and sys.stdin.isatty()
    if interactive:
        subprotocol = "" if ws.subprotocol is None else f", subprotocol {ws.subprotocol}"
        note(f"connected to {parse_url(url)}{subprotocol}; Ctrl-D closes")
    return await Session(ws, _input(), 0 if interactive else linger).run()


def _input() -> LineReader | None:
    """Return a reader of standard input; `None` if it is closed."""
    if sys.stdin is None:
        return None
    raw: io.RawIOBase = sys.stdin.buffer.raw  # type: ignore[union-attr]
    return LineReader(raw)


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
