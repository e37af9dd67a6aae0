"""Identifies the build that figures were counted with: figures of two builds do not compare."""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from pathlib import Path

import wirespeed


def build(valgrind: str) -> dict[str, str]:
    """Describe the interpreter, the core, the machine and valgrind."""
    return {
        "python": " ".join(sys.version.split()),
        "core": core(),
        "machine": machine(),
        "libc": " ".join(platform.libc_ver()),
        "valgrind": valgrind,
    }


def core() -> str:
    """Name the implementation, and the compilers of the extensions, as those tell themselves."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    package = Path(wirespeed.__file__).parent
    code = b"".join(path.read_bytes() for path in sorted(package.rglob(f"*{suffix}")))
    cython = {
        b"Cython " + name.replace(b"_", b".") for name in re.findall(rb"_cython_(\d\w+)", code)
    }
    compilers = sorted(cython) + sorted(set(re.findall(rb"GCC: [^\0]+|clang version [\d.]+", code)))
    return ", ".join([wirespeed.implementation, *(name.decode() for name in compilers)])


def machine() -> str:
    """Name the architecture, and what of the processor valgrind passes on to the C library."""
    cpuinfo = Path("/proc/cpuinfo").read_text("utf-8")
    return platform.machine() + (" with AVX2" if re.search(r"\bavx2\b", cpuinfo) else "")


def differences(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Tell in which points two builds differ."""
    return [
        f"{name}: {ours.get(name)}; the figures: {theirs.get(name)}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
