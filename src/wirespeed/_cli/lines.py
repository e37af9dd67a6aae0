"""What a line of the user means: a message to send, or a command that begins with a slash."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from .._base.rfc6455 import CloseCode
from ..testing._frames import close_frame

HELP: Final = """\
/ping [TEXT]            send a Ping, and tell the round trip
/close [CODE [REASON]]  close the connection
/binary @FILE           send the content of a file as a binary message
/binary HEX             send these bytes, as in /binary 00ff
/help                   show this
//TEXT                  send a text that begins with one slash"""


@dataclass(frozen=True)
class Message:
    """A message to send."""

    data: str | bytes


@dataclass(frozen=True)
class Ping:
    """A Ping to send."""

    payload: bytes


@dataclass(frozen=True)
class Close:
    """The wish to close the connection."""

    code: int
    reason: str


@dataclass(frozen=True)
class Help:
    """The wish to know the commands."""


Wish: TypeAlias = Message | Ping | Close | Help


def parse(line: bytes, *, binary: bool) -> Wish:
    """Return what the user wants.

    Args:
        line: the line, without its end.
        binary: whether a line is sent as a binary message, not as text.

    Raises:
        OSError: a file cannot be read.
        ValueError: it cannot be understood, or not be sent.
    """
    if line.startswith(b"/") and not line.startswith(b"//"):
        command, _, rest = line.partition(b" ")
        return _command(command.decode(errors="backslashreplace"), rest)
    data = line.removeprefix(b"/")
    if binary:
        return Message(data)
    try:
        return Message(data.decode())
    except UnicodeDecodeError:
        raise ValueError(
            "a line was not sent: it is not valid UTF-8 (RFC 6455 section 8.1)"
        ) from None


def _command(name: str, rest: bytes) -> Wish:
    match name:
        case "/ping":
            return Ping(rest)
        case "/close":
            return _close(rest.decode().strip())
        case "/binary":
            return Message(_binary(rest.decode(errors="surrogateescape").strip()))
        case "/help":
            return Help()
        case _:
            raise ValueError(
                f"no such command: {name} (// sends a text that begins with /, see /help)"
            )


def _close(text: str) -> Close:
    code, _, reason = text.partition(" ")
    if not code:
        return Close(int(CloseCode.NORMAL_CLOSURE), "")
    if not code.isdecimal():
        raise ValueError(f"a close code is a number such as 4000, not {code!r}")
    close_frame(int(code), reason.strip())  # It checks both.
    return Close(int(code), reason.strip())


def _binary(text: str) -> bytes:
    if text.startswith("@"):
        return Path(text[1:]).expanduser().read_bytes()
    try:
        return binascii.unhexlify("".join(text.split()))
    except ValueError:
        raise ValueError("/binary needs @FILE, or bytes in hexadecimal such as 00ff") from None
