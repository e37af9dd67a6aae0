"""The output of `wirespeed demo`: a live line while messages arrive, and a table at the end."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from typing import Final, TextIO

_LIVE_SECONDS: Final = 0.1
# In a file or a pipe no line is overwritten, so there should be few.
_PLAIN_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Goal:
    """When the stream ends: after a number of messages, or after a number of seconds."""

    messages: int | None
    seconds: float | None


class Tally:
    """Counts the messages that have arrived, and the time that they took.

    Attributes:
        messages: how many messages have arrived in order.
        payload_bytes: the sum of the sizes of their payloads.
    """

    __slots__ = ("_cpu", "_end", "_start", "messages", "payload_bytes")

    def __init__(self) -> None:
        self.messages = 0
        self.payload_bytes = 0
        self._start = self._cpu = 0.0
        self._end: tuple[float, float] | None = None

    def start(self) -> None:
        """Start both clocks."""
        self._start, self._cpu = _clocks()

    def stop(self) -> None:
        """Stop both clocks."""
        self._end = _clocks()

    @property
    def seconds(self) -> float:
        """Seconds from `start` to `stop`, or to now."""
        return max((self._end or _clocks())[0] - self._start, 1e-9)

    @property
    def cpu_microseconds(self) -> float:
        """Processor time of the whole process for each message, in microseconds."""
        return ((self._end or _clocks())[1] - self._cpu) * 1e6 / max(self.messages, 1)

    def rates(self) -> tuple[str, str]:
        """Return messages and megabytes of payload a second."""
        return (
            f"{self.messages / self.seconds:,.0f}",
            f"{self.payload_bytes / self.seconds / 1e6:.1f}",
        )


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def progress_line(tally: Tally, goal: Goal) -> str:
    """Return a line about the progress of the stream."""
    if goal.messages is not None:
        done = f"{tally.messages:,} of {goal.messages:,} messages"
    else:
        done = f"{tally.messages:,} messages in {tally.seconds:.1f} of {goal.seconds:g} s"
    messages, megabytes = tally.rates()
    cpu = f"{tally.cpu_microseconds:.2f} us CPU a message"
    return f"{done}   {messages} messages/s   {megabytes} MB/s   {cpu}"


async def show_progress(tally: Tally, goal: Goal, out: TextIO) -> None:
    """Report until cancelled: on one line of a terminal, or in a few lines to a file or pipe."""
    if not out.isatty():
        while True:
            await asyncio.sleep(_PLAIN_SECONDS)
            out.write(progress_line(tally, goal) + "\n")
            out.flush()
    width = 0
    try:
        while True:
            width = _overwrite(width, progress_line(tally, goal), out)
            await asyncio.sleep(_LIVE_SECONDS)
    finally:
        _overwrite(width, progress_line(tally, goal), out)
        out.write("\n")


def _overwrite(width: int, line: str, out: TextIO) -> int:
    """Overwrite a line of `width` characters; return the width of the new line."""
    # A line that wraps on the terminal could not be overwritten.
    shown = line[: shutil.get_terminal_size().columns - 1]
    out.write("\r" + shown.ljust(width))
    out.flush()
    return len(shown)


def table(rows: list[tuple[str, str]]) -> str:
    """Return the rows as text in two columns."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in rows)
