"""A real terminal for the tests: tmux, which interprets what a program prints, as a user's does."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from commandline import COMMAND, SECONDS

needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed (Debian: apt-get install tmux)"
)
_POLL_SECONDS: Final = 0.05
_SESSION: Final = "screen"


class Screen:
    """A command that runs on a terminal of 80 columns and 24 rows."""

    def __init__(self, tmux: list[str]) -> None:
        self._tmux = tmux

    def type(self, text: str) -> None:
        """Type text, in which a line feed is Enter."""
        for part in text.splitlines(keepends=True):
            line = part.removesuffix("\n")
            if line:
                self._run("send-keys", "-t", _SESSION, "-l", "--", line)
            if part != line:
                self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by their names in tmux, such as C-c and Up."""
        self._run("send-keys", "-t", _SESSION, *keys)

    def lines(self) -> list[str]:
        """Return the lines on the screen that are not empty, with what has scrolled away."""
        shown = self._run("capture-pane", "-p", "-S", "-", "-t", _SESSION)
        return [line.rstrip() for line in shown.splitlines() if line.strip()]

    def wait_for(self, *last: str) -> list[str]:
        """Wait until these are the last lines on the screen; return all lines."""
        return self.wait_until(lambda lines: lines[-len(last) :] == list(last), last)

    def wait_for_text(self, text: str) -> list[str]:
        """Wait until a text is anywhere on the screen; return all lines."""
        return self.wait_until(lambda lines: any(text in line for line in lines), text)

    def wait_until(self, holds: Callable[[list[str]], bool], wanted: object) -> list[str]:
        """Wait until something holds for the lines on the screen; return them."""
        give_up = time.monotonic() + SECONDS
        while not holds(lines := self.lines()):
            if time.monotonic() > give_up:
                raise AssertionError(f"{wanted!r} did not appear; the screen has {lines!r}")
            # tmux tells of no event that a screen has changed.
            time.sleep(_POLL_SECONDS)
        return lines

    def _run(self, *arguments: str) -> str:
        return subprocess.run(
            [*self._tmux, *arguments], check=True, capture_output=True, timeout=SECONDS
        ).stdout.decode()


@contextlib.contextmanager
def on_screen(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Screen]:
    """Run a command on a screen; at its end, the screen shows `status N`, and what `stty` says.

    Args:
        arguments: for `wirespeed`.
        environment: variables to set besides those of the test.
    """
    command = shlex.join([*COMMAND, *arguments])
    # Whether the terminal is as it was: line by line, and with an echo.
    mode = "stty -a | tr ' ;' '\\n\\n' | grep -xE -e '-?(icanon|echo)' | tr '\\n' ' '"
    # Ctrl-C is for the command alone.
    script = f"trap : INT; {command}; echo status $?; {mode}; read -r _"
    with program_on_screen("sh", "-c", script, environment=environment) as screen:
        yield screen


@contextlib.contextmanager
def program_on_screen(*command: str, environment: dict[str, str] | None = None) -> Iterator[Screen]:
    """Run a program on a screen for the duration of the block."""
    with tempfile.TemporaryDirectory() as directory:
        tmux = ["tmux", "-S", str(Path(directory, "socket")), "-f", os.devnull]
        run = [*tmux, "new-session", "-d", "-s", _SESSION, "-x", "80", "-y", "24"]
        variables = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", **(environment or {})}
        for name, value in variables.items():
            run += ["-e", f"{name}={value}"]
        subprocess.run([*run, *command], check=True, timeout=SECONDS)
        try:
            yield Screen(tmux)
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)


def without_prompt_toolkit(directory: Path) -> dict[str, str]:
    """Return an environment in which prompt_toolkit cannot be imported."""
    package = directory / "prompt_toolkit"
    package.mkdir()
    package.joinpath("__init__.py").write_text("raise ImportError\n")
    return {"PYTHONPATH": str(directory)}
