"""The user of a session: the lines that they type or pipe in, for any number of connections."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from ..console import Prompt, with_prompt
from .stdin_lines import LineReader


class Lines(Protocol):
    """Where lines come from."""

    async def read(self) -> list[bytes]:
        """Wait for the next lines; return an empty list at their end."""


class EditingPrompt(Lines, Prompt, Protocol):
    """A prompt on the terminal, with line editing."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class User:
    """The user's lines, in their order; none is lost if the wait for it is cancelled.

    Args:
        lines: where they come from; `None` for no lines.
        is_at_terminal: whether the user types them, so that their end is the wish to leave.
    """

    def __init__(self, lines: Lines | None, *, is_at_terminal: bool) -> None:
        self.is_at_terminal = is_at_terminal
        self._lines = lines
        self._waiting: deque[bytes] = deque()
        self._reading: asyncio.Task[list[bytes]] | None = None

    async def next_line(self) -> bytes | None:
        """Wait for the next line, which stays until `taken`; return `None` at the end.

        Raises:
            OSError: standard input cannot be read.
        """
        while not self._waiting:
            if self._lines is None:
                return None
            if self._reading is None:
                self._reading = asyncio.create_task(self._lines.read())
            await asyncio.wait([self._reading])
            reading, self._reading = self._reading, None
            self._waiting += reading.result()
            if not self._waiting:
                self._lines = None
        return self._waiting[0]

    def taken(self) -> None:
        """Go on to the line after this one."""
        self._waiting.popleft()

    async def leave(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])


@contextlib.asynccontextmanager
async def user_of_standard_input() -> AsyncIterator[User]:
    """Make the user, with a prompt for the length of the block if they are at a terminal."""
    is_at_terminal = sys.stdin is not None and sys.stdin.isatty()
    prompt = _editing_prompt() if is_at_terminal and sys.stdout.isatty() else None
    user = User(prompt or _raw_lines(), is_at_terminal=is_at_terminal)
    with contextlib.ExitStack() as stack:
        if prompt is not None:
            stack.enter_context(with_prompt(prompt))
        try:
            yield user
        finally:
            if prompt is not None:
                prompt.close()
            await user.leave()


def _raw_lines() -> LineReader | None:
    if sys.stdin is None:
        return None
    raw: io.RawIOBase = sys.stdin.buffer.raw  # type: ignore[union-attr]
    return LineReader(raw)


def _editing_prompt() -> EditingPrompt | None:
    """Return a prompt, or `None` if this terminal or this Python can have none."""
    if os.environ.get("TERM", "dumb") == "dumb" and sys.platform != "win32":
        return None
    try:
        from .edited_lines import EditedLines  # noqa: PLC0415
    except ImportError:
        pass
    else:
        return EditedLines()
    try:
        from .readline_lines import ReadlineLines  # noqa: PLC0415
    except ImportError:
        return None
    return ReadlineLines()
