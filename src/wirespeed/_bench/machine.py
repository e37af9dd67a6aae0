"""The machine that runs the benchmark: cores, limits, memory and description."""

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
    """Choose one core for the clients and one for the server; `None` for both if that cannot be."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    # The first and the last, because neighbours may be two hardware threads of one core.
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Pin this process to one core, if the system can; `None` for no core."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def allow_open_files() -> int | None:
    """Raise the limit of open files as far as it goes.

    Returns:
        The limit; `None` if it is unknown or unlimited.
    """
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems do not accept "unlimited"; the limit then stays as it is.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def resident_bytes() -> int:
    """Return how many bytes of this process are in RAM.

    Raises:
        NotImplementedError: the system has no /proc/self/statm.
    """
    if not _MEMORY_OF_THIS_PROCESS.exists():
        raise NotImplementedError("the resident memory of a process is read from Linux's /proc")
    pages = int(_MEMORY_OF_THIS_PROCESS.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def description() -> dict[str, Any]:
    """Return the properties of the machine that a reader needs to judge the figures."""
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
