"""Shows progress: a live line on a terminal, and a line for each case that is done."""

from __future__ import annotations

import shutil
from typing import TextIO

from ..figures import Case
from .tables import progress_text


class Progress:
    """Writes to a terminal or to a log."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._width = 0

    def step(self, case: Case, number: int, of: int, what: str) -> None:
        """Show the step that begins, on a terminal only: it would make a log too long."""
        if self._live:
            self._overwrite(f"[{number}/{of}] {case.title}: {what}")

    def finished(self, case: Case) -> None:
        """Show the figures of a case."""
        self._overwrite("")
        self._out.write(progress_text(case) + "\n")
        self._out.flush()

    def _overwrite(self, text: str) -> None:
        if not self._live:
            return
        # A line that wraps on the terminal could not be overwritten.
        shown = text[: shutil.get_terminal_size().columns - 1]
        self._out.write("\r" + shown.ljust(self._width) + ("" if shown else "\r"))
        self._out.flush()
        self._width = len(shown)
