"""Runs the command line as a user does: in a separate process, with real pipes or a terminal."""

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

# Longer than any command in the tests needs on a busy machine. It stops a hang.
SECONDS: Final = 30.0
COMMAND: Final = [sys.executable, "-W", "error", "-m", "wirespeed"]


@dataclass(frozen=True)
class Outcome:
    """The result of a command.

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

    It ends only when no process has its standard error open any more. A process left behind would
    therefore hit the time limit.

    Args:
        arguments: for `wirespeed`.
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
    """Run a command for the duration of the block, with pipes to all three of its streams."""
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
    """Close the command's input, and wait until it and everything it started have ended."""
    out, err = process.communicate(timeout=SECONDS)
    return Outcome(process.returncode, out.decode(), err.decode())


class Terminal:
    """A command that runs on a terminal: you can type into it, and see everything it prints."""

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
        """Read some output. Return `False` at its end."""
        ready = select.select([self._master], [], [], max(0.0, give_up - time.monotonic()))[0]
        if not ready:
            raise AssertionError(f"nothing more was printed after {self.seen!r}")
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # This is how Linux reports that no process has the other side open any more.
            return False
        self.seen += data.decode()
        return bool(data)


@contextlib.contextmanager
def on_terminal(*arguments: str) -> Iterator[Terminal]:
    """Run a command for the duration of the block, on a terminal that can only print."""
    import pty

    master, slave = pty.openpty()
    try:
        with subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "dumb"},
        ) as process:
            os.close(slave)
            try:
                yield Terminal(master, process)
            finally:
                process.kill()
    finally:
        os.close(master)
