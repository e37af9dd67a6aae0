"""What the command line prints: messages on standard output, remarks on standard error.

Must not know of connections.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Final

_BINARY_BYTES_SHOWN: Final = 32
# A terminal would act on these: move the cursor, change its title, answer as if typed.
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def escaped(text: str) -> str:
    """Return `text` with control characters, except tab and line feed, as escapes."""
    return _CONTROL_CHARACTER.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def shown(data: str | bytes, *, on_terminal: bool) -> str:
    """Return what to print for a message: text as it is, the first bytes of binary in hex."""
    if isinstance(data, str):
        return escaped(data) if on_terminal else data
    more = "..." if len(data) > _BINARY_BYTES_SHOWN else ""
    unit = "byte" if len(data) == 1 else "bytes"
    return f"< {len(data)} {unit}: {data[:_BINARY_BYTES_SHOWN].hex()}{more}"


def say(text: str) -> None:
    """Print a line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell the user, on one line, something that is not a message."""
    line = escaped(text).replace("\n", "\\x0a")
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """Tell the user what went wrong."""
    note(f"wirespeed: {text}")


def discard_output() -> None:
    """Send standard output nowhere from now on: nobody reads it any more.

    What is left in its buffer would else fail once more when the process ends.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
