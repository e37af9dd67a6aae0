"""Prints messages: one a line for other programs, or for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TextIO

from . import json_text
from .console import GREEN, above_prompt, coloured, escaped, takes_colours

_BINARY_BYTES_SHOWN: Final = 32
# A terminal would be busy with more for seconds, and hardly anyone would read it.
_CHARACTERS_ON_A_TERMINAL: Final = 100_000


class Printer:
    """Prints messages.

    On a terminal, a mark precedes each message, its further lines are indented, so that they do not
    look like messages, and control characters are escaped. Elsewhere, text stays as it is.

    Args:
        stream: where to print them.
        as_json: whether JSON is laid out: indented on a terminal, else on one line.
        raw: whether binary messages are printed as they are, except on a terminal.
    """

    def __init__(self, stream: TextIO, *, as_json: bool = False, raw: bool = False) -> None:
        self._stream = stream
        self._on_terminal = stream.isatty()
        self._as_json = as_json
        self._raw = raw and not self._on_terminal
        self._has_colours = takes_colours(stream)

    def print(self, messages: Sequence[str | bytes]) -> None:
        """Print messages.

        Raises:
            OSError: the stream cannot be written.
        """
        with above_prompt():
            if self._raw:
                self._print_raw(messages)
            else:
                self._stream.write("".join(self.line(message) for message in messages))
            self._stream.flush()

    def _print_raw(self, messages: Sequence[str | bytes]) -> None:
        for message in messages:
            if isinstance(message, str):
                self._stream.write(self.line(message))
            else:
                self._stream.flush()
                self._stream.buffer.write(message + b"\n")

    def line(self, message: str | bytes) -> str:
        """Return what is printed for a message."""
        text = self._text(message) if isinstance(message, str) else described(message)
        if not self._on_terminal:
            return f"{text}\n"
        mark = coloured("<", GREEN) if self._has_colours else "<"
        return f"{mark} {text}\n".replace("\n", "\n  ")[:-2]

    def _text(self, message: str) -> str:
        too_many = len(message) - _CHARACTERS_ON_A_TERMINAL
        if self._on_terminal and too_many > 0:
            start = escaped(message[:_CHARACTERS_ON_A_TERMINAL])
            return f"{start}... and {too_many} more characters, which a pipe or --record gets"
        tokens = json_text.tokens_of(message) if self._as_json else None
        if tokens is None:
            return escaped(message) if self._on_terminal else message
        return self._json(tokens)

    def _json(self, tokens: list[str]) -> str:
        if not self._on_terminal:
            return json_text.on_one_line(tokens)
        if not self._has_colours:
            return json_text.indented(tokens, lambda token, colour: escaped(token))
        return json_text.indented(tokens, lambda token, colour: coloured(escaped(token), colour))


def described(message: bytes) -> str:
    """Return the size of a binary message, and its first bytes in hexadecimal."""
    more = "..." if len(message) > _BINARY_BYTES_SHOWN else ""
    unit = "byte" if len(message) == 1 else "bytes"
    return f"{len(message)} {unit}: {message[:_BINARY_BYTES_SHOWN].hex()}{more}"
