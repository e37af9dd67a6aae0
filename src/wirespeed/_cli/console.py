"""The command line's output: messages on standard output, remarks on standard error.

Nothing that a peer sends can control the terminal.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import Final, Protocol, TextIO

# A terminal acts on the first ones: it moves the cursor, changes its title, or sends a reply as if
# typed. The others change the direction of the text around them, or end a line in some terminals.
_CONTROL_CHARACTER: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)

RED: Final = 31
GREEN: Final = 32
YELLOW: Final = 33
BLUE: Final = 34
MAGENTA: Final = 35
CYAN: Final = 36


class Prompt(Protocol):
    """A prompt on the terminal, which output must not tear apart."""

    def hide(self) -> None:
        """Clear the line with the prompt, so that something can be printed in its place."""

    def show(self) -> None:
        """Draw the prompt again, with what the user has typed."""


_prompts: Final[list[Prompt]] = []


@contextlib.contextmanager
def with_prompt(prompt: Prompt) -> Iterator[None]:
    """Print all output above the prompt for the length of the block."""
    _prompts.append(prompt)
    try:
        yield
    finally:
        _prompts.remove(prompt)


@contextlib.contextmanager
def above_prompt() -> Iterator[None]:
    """Clear the prompt, and draw it again at the end of the block, if there is one."""
    for prompt in _prompts:
        prompt.hide()
    try:
        yield
    finally:
        for prompt in _prompts:
            prompt.show()


def escaped(text: str) -> str:
    """Return `text` with its control characters escaped, except tab and line feed."""
    return _CONTROL_CHARACTER.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def takes_colours(stream: TextIO) -> bool:
    """Tell whether to colour what is written to `stream` (https://no-color.org)."""
    # Older consoles of Windows print the codes.
    can = sys.platform != "win32" or "WT_SESSION" in os.environ
    wants = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return can and wants and stream.isatty()


def coloured(text: str, colour: int) -> str:
    """Return `text` with the codes that colour it."""
    return f"\x1b[{colour}m{text}\x1b[39m"


def say(text: str) -> None:
    """Print a line on standard output, and flush it."""
    with above_prompt():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def note(text: str, *, colour: int = YELLOW) -> None:
    """Print a remark on standard error, on one line."""
    line = escaped(text).replace("\n", "\\x0a")
    if takes_colours(sys.stderr):
        line = coloured(line, colour)
    with above_prompt():
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def complain(text: str) -> None:
    """Print an error on standard error."""
    note(f"wirespeed: {text}", colour=RED)


def discard_output() -> None:
    """Discard standard output from now on, because its reader is gone.

    Otherwise the rest of its buffer would cause another error when the process ends.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
