"""Reads and writes the file of figures of one Python version, and compares counts with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

Figures: TypeAlias = Mapping[str, Mapping[str, float]]
"""Counts a message, by work and by event."""

DIRECTORY: Final = Path(__file__).with_name("figures")
# Repeated, instructions stay within 0.002 %, in another checkout or at other addresses 0.5 %.
INSTRUCTIONS_GROWTH: Final = 0.02
# I1 misses moved by up to 4.7 % there, D1 misses by up to 2.9 %. Where there are two a message, one
# more is a line that had to leave the cache for another one.
MISSES_GROWTH: Final = 0.06
MISSES_SPARE: Final = 1.0


@dataclass(frozen=True)
class Change:
    """One event of one work, before and now; `before` is `None` where there was no figure."""

    work: str
    event: str
    before: float | None
    now: float

    @property
    def is_growth(self) -> bool:
        """Whether this is more than may be."""
        return self.before is not None and self.now > limit(self.event, self.before)


def limit(event: str, before: float) -> float:
    """Tell up to where a count may grow."""
    if event == "instructions":
        return before * (1 + INSTRUCTIONS_GROWTH)
    return before * (1 + MISSES_GROWTH) + MISSES_SPARE


def compare(before: Figures, now: Figures) -> list[Change]:
    """Put each count beside its figure."""
    return [
        Change(work, event, before.get(work, {}).get(event), count)
        for work, counts in now.items()
        for event, count in counts.items()
    ]


def path_of_figures() -> Path:
    """Name the file of the running version."""
    return DIRECTORY / f"{sys.version_info.major}.{sys.version_info.minor}.json"


def read(path: Path) -> tuple[dict[str, str], Figures]:
    """Read the build that the figures were made with, and the figures; both may be empty."""
    if not path.exists():
        return {}, {}
    data = json.loads(path.read_text("utf-8"))
    return data["build"], data["works"]


def write(path: Path, build: Mapping[str, str], works: Figures) -> None:
    """Write the file anew; no figure means more than a hundredth."""
    rounded = {
        work: {event: round(count, 2) for event, count in counts.items()}
        for work, counts in works.items()
    }
    text = json.dumps({"build": build, "works": rounded}, indent=2)
    path.write_text(text + "\n", "utf-8")
