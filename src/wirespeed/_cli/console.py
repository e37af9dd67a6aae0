"""The command line's output: messages on standard output, remarks on standard error."""

from __future__ import annotations

import os
import re
import sys
from typing import Final

_BINARY_BYTES_SHOWN: Final = 32
# A terminal acts on these: it moves the cursor, changes its title, or sends a reply as if typed.
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def escaped(text: str) -> str:
    """Return `text` with its control characters escaped, except tab and line feed."""
    return _CONTROL_CHARACTER.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def shown(data: str | bytes, *, on_terminal: bool) -> str:
    """Return the line to print for a message.

    Text stays as it is, but for control characters on a terminal. Of a binary message the line
    shows the size, and the first bytes in hexadecimal.
    """
    if isinstance(data, str):
        return escaped(data) if on_terminal else data
    more = "..." if len(data) > _BINARY_BYTES_SHOWN else ""
    unit = "byte" if len(data) == 1 else "bytes"
    return f"< {len(data)} {unit}: {data[:_BINARY_BYTES_SHOWN].hex()}{more}"


def say(text: str) -> None:
    """Print a line on standard output, and flush it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a remark on standard error, on one line."""
    line = escaped(text).replace("\n", "\\x0a")
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """Print an error on standard error."""
    note(f"wirespeed: {text}")


def discard_output() -> None:
    """Discard standard output from now on, because its reader is gone.

    Otherwise the rest of its buffer would cause another error when the process ends.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
