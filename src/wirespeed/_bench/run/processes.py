"""Starts, commands and ends the benchmark's processes: the server, and a worker per contender."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Any, Final

from ..contenders import Contender

# A command that takes longer is stopped, and reported as a failure.
DEADLINE_SECONDS: Final = 60.0


class Failed(Exception):
    """A contender could not run a command, or the server did not start; the text says why."""


def start(
    module: str, *arguments: str, environment: dict[str, str] | None = None, stderr: IO[bytes]
) -> subprocess.Popen[str]:
    """Run a module of this package in a new process, which ends when its standard input ends."""
    # It gets the search path of this process: with `-m` it would search the current directory
    # first.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__package__}.{module} import main"
    return subprocess.Popen(  # noqa: S603  # no external input
        [sys.executable, "-P", "-c", f"{code}; sys.exit(main())", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, **(environment or {})},
    )


@contextlib.contextmanager
def serving(core: int | None) -> Iterator[dict[str, int]]:
    """Run the server while the block runs; yield its ports for ws and wss.

    Raises:
        Failed: the server did not start.
    """
    with tempfile.TemporaryFile() as stderr:
        pinned = [] if core is None else [f"--core={core}"]
        with start("server", *pinned, stderr=stderr) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                if not line:
                    raise Failed(f"the server did not start: {_last_line(stderr)}")
                ports: dict[str, int] = json.loads(line)
                yield ports
            finally:
                process.kill()


class WorkerProcess:
    """The process of one contender; starts with the first command, and again after a failure."""

    def __init__(self, contender: Contender, loop: str, core: int | None) -> None:
        self.contender = contender
        self._arguments = [
            f"--module={contender.module}",
            f"--client={contender.client}",
            f"--loop={loop}",
            *([] if core is None else [f"--core={core}"]),
        ]
        self._process: subprocess.Popen[str] | None = None
        self._stderr: IO[bytes] | None = None

    def command(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command to the process; return its answer.

        Raises:
            Failed: the command failed; the process is ended.
        """
        process = self._running()
        timer = threading.Timer(DEADLINE_SECONDS, process.kill)
        # If Ctrl-C comes while the thread starts, nothing cancels the timer.
        timer.daemon = True
        timer.start()
        try:
            answer = self._exchange(process, {"do": do, **arguments})
        finally:
            in_time = timer.is_alive()
            timer.cancel()
        if answer is None:
            text = self._how_it_ended(process) if in_time else f"took over {DEADLINE_SECONDS:g} s"
            self.end()
            raise Failed(text)
        if "error" in answer:
            self.end()
            raise Failed(answer["error"])
        result: dict[str, Any] = answer["ok"]
        return result

    def end(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with process:
                pass
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
            self._process = start(
                "worker",
                *self._arguments,
                environment=self.contender.environment,
                stderr=self._stderr,
            )
        return self._process

    @staticmethod
    def _exchange(process: subprocess.Popen[str], command: dict[str, Any]) -> Any:
        """Send a command, and wait for the answer; `None` if the process has ended."""
        if process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return None
        line = process.stdout.readline()
        return json.loads(line) if line else None

    def _how_it_ended(self, process: subprocess.Popen[str]) -> str:
        last = _last_line(self._stderr) if self._stderr is not None else ""
        return f"ended with status {process.wait()}" + (f": {last}" if last else "")


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
