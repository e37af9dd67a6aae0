"""Opens the connection that the command line asks for, or says in one line why it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import os
import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ..client import Connecting, connect
from ..connection import WebSocketConnection
from ..exceptions import WebSocketError
from .console import complain, note

FAILED: Final = 1
USAGE_ERROR: Final = 2
_OPEN_SECONDS: Final = 10.0
_PING_SECONDS: Final = 20.0


class Unusable(Exception):
    """The arguments cannot be used; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What to connect to, and how, from the command line.

    Attributes:
        url: as for `wirespeed.connect`.
        headers: headers to add to the request.
        subprotocols: subprotocols to offer.
        origin: the header Origin; `None` for none.
        auth: user name and password; without a password, the user is asked for it.
        cookies: cookies to send.
        proxy: the URL of a proxy, `True` for that of the environment, `None` for none.
        ca: a file of certificates to trust instead of the system's; `None` for the system's.
        insecure: whether any certificate is accepted.
        cert: a file with the client's certificate; `None` for none.
        key: a file with its key; `None` if the key is in the same file.
        compress: whether to offer compression.
        ping_interval: seconds between two keep-alive Pings; `None` for no Pings.
        timeout: seconds for the opening, and then for each wait for a message; `None` for 10
            seconds for the opening, and no limit after it.
    """

    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    subprotocols: list[str] = field(default_factory=list)
    origin: str | None = None
    auth: tuple[str, str | None] | None = None
    cookies: list[tuple[str, str]] = field(default_factory=list)
    proxy: str | bool | None = None
    ca: str | None = None
    insecure: bool = False
    cert: str | None = None
    key: str | None = None
    compress: bool = False
    ping_interval: float | None = _PING_SECONDS
    timeout: float | None = None


def connecting(opening: Opening, *, reconnect: bool = False) -> Connecting:
    """Return the connection, or connections, to open.

    Raises:
        Unusable: a file cannot be used, or there is nobody to ask for the password.
    """
    return connect(
        opening.url,
        headers=opening.headers,
        subprotocols=opening.subprotocols,
        origin=opening.origin,
        auth=_credentials(opening.auth),
        cookies=dict(opening.cookies),
        proxy=opening.proxy,
        ssl=_context(opening),
        compression="deflate" if opening.compress else None,
        ping_interval=opening.ping_interval,
        open_timeout=opening.timeout or _OPEN_SECONDS,
        idle_timeout=opening.timeout,
        reconnect=True if reconnect else None,
    )


def _credentials(auth: tuple[str, str | None] | None) -> tuple[str, str] | None:
    if auth is None:
        return None
    user, password = auth
    if password is None:
        try:
            with warnings.catch_warnings():
                # It would otherwise read a line of standard input, and show what is typed.
                warnings.simplefilter("error", getpass.GetPassWarning)
                password = getpass.getpass(f"password of {user}: ")
        except (EOFError, getpass.GetPassWarning):
            raise Unusable("there is no terminal to ask for the password of --auth") from None
    return user, password


def _context(opening: Opening) -> ssl.SSLContext | None:
    if opening.key is not None and opening.cert is None:
        raise Unusable("--key needs --cert, the certificate that the key is for")
    if opening.ca is None and opening.cert is None and not opening.insecure:
        return None
    try:
        context = ssl.create_default_context(cafile=opening.ca)
    except OSError as exc:
        raise Unusable(
            f"cannot use the certificates of {opening.ca}: {exc.strerror or exc}"
        ) from exc
    if opening.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if opening.cert is not None:
        try:
            context.load_cert_chain(opening.cert, opening.key)
        except OSError as exc:
            raise Unusable(
                f"cannot use the certificate of {opening.cert}: {exc.strerror or exc}"
            ) from exc
    return context


async def open_connection(opening: Opening) -> WebSocketConnection | int:
    """Open a connection; if that fails, complain and return the exit status."""
    loop = asyncio.get_running_loop()
    # Some transports log a failed TLS handshake besides raising it.
    loop.set_exception_handler(lambda loop, context: None)
    try:
        ws = await connecting(opening)
    except (Unusable, OSError, ValueError, ImportError) as exc:
        return complain_of(exc)
    loop.set_exception_handler(None)
    return ws


def complain_of(exc: Exception) -> int:
    """Say why there is no connection; return the exit status."""
    # Before ValueError: the error of an unverified certificate is both.
    if isinstance(exc, OSError):
        complain(f"cannot connect: {_why(exc)}")
        return FAILED
    complain(str(exc))
    return USAGE_ERROR


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


class _Remarks(logging.Handler):
    """Prints what the library logs, above a prompt if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


@contextlib.contextmanager
def log_shown(*, handshake: bool) -> Iterator[None]:
    """Show the library's warnings, and with `handshake` the heads of requests and responses."""
    logger, heads = logging.getLogger("wirespeed"), logging.getLogger("wirespeed.handshake")
    remarks = _Remarks()
    logger.addHandler(remarks)
    heads.setLevel(logging.DEBUG if handshake else logging.NOTSET)
    try:
        yield
    finally:
        logger.removeHandler(remarks)
        heads.setLevel(logging.NOTSET)
