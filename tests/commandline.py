"""Runs the command line as a user does: in a process of its own, with real pipes or a terminal.

Must not know what the commands are for.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# More than any command of the tests needs on a busy machine; a hang ends here.
SECONDS: Final = 30.0
COMMAND: Final = [sys.executable, "-W", "error", "-m", "wirespeed"]


@dataclass(frozen=True)
class Outcome:
    """What a command left.

    Attributes:
        status: the exit status; negative for a signal.
        out: its standard output.
        err: its standard error.
    """

    status: int
    out: str
    err: str


def run(*arguments: str, stdin: bytes | int = b"") -> Outcome:
    """Run a command to its end.

    It ends only when no process has its standard error open any more: one that it left
    behind would run into the time limit.

    Args:
        arguments: of `wirespeed`.
        stdin: what to pipe into it, or a file descriptor to read from.
    """
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin if isinstance(stdin, bytes) else None,
        stdin=None if isinstance(stdin, bytes) else stdin,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command while the block runs, with pipes to all three of its streams."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[bytes]) -> Outcome:
    """Wait for the end of a command, and of all that it started; its input ends, too."""
    out, err = process.communicate(timeout=SECONDS)
    return Outcome(process.returncode, out.decode(), err.decode())


class Terminal:
    """A command that runs on a terminal: what is typed is seen, and so is all that it prints."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._process = process
        self.seen = ""

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, text.encode())

    def read_until(self, text: str) -> None:
        """Wait until the command has printed `text`."""
        give_up = time.monotonic() + SECONDS
        while text not in self.seen:
            if not self._read(give_up):
                raise AssertionError(f"{text!r} did not appear in {self.seen!r}")

    def wait(self) -> int:
        """Wait for the end of the command; return its exit status."""
        give_up = time.monotonic() + SECONDS
        while self._read(give_up):
            pass
        return self._process.wait(SECONDS)

    def _read(self, give_up: float) -> bool:
        """Read some output; `False` at its end."""
        ready = select.select([self._master], [], [], max(0.0, give_up - time.monotonic()))[0]
        if not ready:
            raise AssertionError(f"nothing more was printed after {self.seen!r}")
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # How Linux reports that nobody has the other side open any more.
            return False
        self.seen += data.decode()
        return bool(data)


@contextlib.contextmanager
def on_terminal(*arguments: str) -> Iterator[Terminal]:
    """Run a command on a terminal while the block runs."""
    import pty

    master, slave = pty.openpty()
    try:
        with subprocess.Popen(
            [*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave
        ) as process:
            os.close(slave)
            try:
                yield Terminal(master, process)
            finally:
                process.kill()
    finally:
        os.close(master)
