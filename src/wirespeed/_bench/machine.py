"""The machine under the benchmark: its cores, its limits, its memory, and what it calls itself.

Must not know what is measured.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any, Final

_CPU_INFO: Final = Path("/proc/cpuinfo")
_MEMORY_OF_THIS_PROCESS: Final = Path("/proc/self/statm")


def cores() -> tuple[int | None, int | None]:
    """Choose a core for the clients and another one for the server; `None` where there is none."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    # The first and the last: neighbours may be two threads of one core.
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Stay on one core."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def allow_open_files() -> int | None:
    """Raise the limit of open files as far as it goes; return it, `None` if unknown."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Where "unlimited" is not accepted the limit stays as it is.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def resident_bytes() -> int:
    """Return how much memory of this process is in RAM.

    Raises:
        NotImplementedError: the system does not tell.
    """
    if not _MEMORY_OF_THIS_PROCESS.exists():
        raise NotImplementedError("the resident memory of a process is read from Linux's /proc")
    pages = int(_MEMORY_OF_THIS_PROCESS.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def description() -> dict[str, Any]:
    """Tell what a reader must know of the machine to judge the figures."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "load_before": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "platform": sys.platform,
    }


def _cpu() -> str:
    if _CPU_INFO.exists():
        found = re.search(r"^model name\s*: (.+)$", _CPU_INFO.read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()
