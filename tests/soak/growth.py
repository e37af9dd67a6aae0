"""What a process holds on to: memory, descriptors, tasks and this library's objects."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wirespeed

MIB: Final = 2**20

# By then, the largest number of messages that arrive together has been reached.
WARM_UP_SECONDS: Final = 10

# The allocator may keep memory from messages of up to 200 KB each, and from busier turns. A run of
# 15 seconds never finishes warming up, and grows by up to 16; a run of one minute grows by 3.
ALLOWED_MIB: Final = 32.0

# Blocks of up to 512 bytes, at the end of a run. Losing one with each message makes far more.
ALLOWED_BLOCKS: Final = 15_000

# The library's own caches: the most recently used URLs, and the masking keys of this thread.
KEPT: Final = Counter({"URL": 64, "MaskingKeys": 1})

_trim: Final[Callable[[int], int] | None] = getattr(ctypes.CDLL(None), "malloc_trim", None)


def resident_mib() -> float:
    """Return this process's memory in MiB; its peak so far on systems that report only that.

    Free memory that glibc keeps is given back first. After the buffers of many compressed and
    encrypted connections that is 150 MiB, of which 10 are in use.
    """
    if _trim is not None:
        _trim(0)
    statm = Path("/proc/self/statm")
    if statm.exists():
        pages = int(statm.read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / MIB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def descriptors() -> int:
    """Count the open descriptors, without the one that lists them."""
    return len(os.listdir("/dev/fd")) - 1


def own_objects() -> Counter[str]:
    """Count the library's live objects that are in no cache, by type."""
    gc.collect()
    found = Counter(
        type(one).__qualname__
        for one in gc.get_objects()
        # `__module__` of a metaclass may be a descriptor, not a string.
        if str(type(one).__module__).partition(".")[0] == wirespeed.__name__
    )
    return found - KEPT


@dataclass(frozen=True)
class Sample:
    """What the process holds at one moment.

    Attributes:
        memory: in MiB.
        descriptors: the number of open descriptors.
        tasks: the number of tasks that are not done.
    """

    memory: float
    descriptors: int
    tasks: int

    @classmethod
    def now(cls) -> Sample:
        """Take a sample; must be called in a task."""
        return cls(resident_mib(), descriptors(), len(asyncio.all_tasks()))

    def __str__(self) -> str:
        return f"{self.memory:.1f} MiB, {self.descriptors} descriptors, {self.tasks} tasks"


def grown(samples: Sequence[Sample]) -> float:
    """Return by how many MiB the last quarter of the run exceeds the second quarter.

    Args:
        samples: one for each second. The warm-up is left out.
    """
    warm_up = min(WARM_UP_SECONDS, len(samples) // 3)
    memory = [sample.memory for sample in samples[warm_up:]]
    quarter = len(memory) // 4
    if not quarter:
        return 0.0
    return statistics.median(memory[-quarter:]) - statistics.median(memory[quarter : 2 * quarter])
