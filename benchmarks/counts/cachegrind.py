"""Runs valgrind's cachegrind and reads its output.

The caches are simulated, so the caches of the machine do not matter.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EVENTS: Final = ("instructions", "I1 misses", "D1 misses")
# The first level is that of most processors; the last level is not looked at.
CACHES: Final = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")


@dataclass(frozen=True)
class Counts:
    """What was counted, in all or for each message."""

    instructions: float
    i1_misses: float
    d1_misses: float

    def values(self) -> tuple[float, float, float]:
        """Give the counts in the order of `EVENTS`."""
        return self.instructions, self.i1_misses, self.d1_misses

    def by_event(self) -> dict[str, float]:
        """Give the counts by their names."""
        return dict(zip(EVENTS, self.values(), strict=True))


def command(directory: Path) -> list[str]:
    """Give what stands before the command of the process that is counted.

    Each fork of it writes a file into the directory, named by the number of its process.
    """
    return [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=yes",
        *CACHES,
        f"--cachegrind-out-file={directory}/%p",
    ]


def version() -> str | None:
    """Tell valgrind's version; `None` where there is none."""
    if shutil.which("valgrind") is None:
        return None
    run = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def parse(text: str) -> Counts:
    """Read the totals of a file that cachegrind wrote.

    Raises:
        ValueError: there are none; the file was not finished.
    """
    events: list[str] = []
    for line in text.splitlines():
        if line.startswith("events:"):
            events = line.split()[1:]
        elif line.startswith("summary:"):
            total = dict(zip(events, map(int, line.split()[1:]), strict=True))
            return Counts(total["Ir"], total["I1mr"], total["D1mr"] + total["D1mw"])
    raise ValueError("cachegrind wrote no summary")


def per_message(short: Counts, long: Counts, messages: int) -> Counts:
    """Spread the difference of two runs over the messages that one has and the other has not."""
    pairs = zip(short.values(), long.values(), strict=True)
    return Counts(*((after - before) / messages for before, after in pairs))


def least(all_counts: Iterable[Counts]) -> Counts:
    """Take the least of each event."""
    events = zip(*(counts.values() for counts in all_counts), strict=True)
    return Counts(*map(min, events))
