"""What a process holds on to: memory, descriptors, tasks and this library's objects."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wirespeed

MIB: Final = 2**20

# What is left at the end, when all connections are closed. Code and caches take 15 to 18, however
# long the run was; what the allocators cannot give back varies.
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
