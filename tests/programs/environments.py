"""An environment for each program, kept between runs, with wirespeed from the tree in it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DIRECTORY: Final = ROOT / ".programs"

# What the wheel is made of.
SOURCES: Final = (
    "src/**/*.py",
    "src/**/*.pyi",
    "cython/**/*.p*",
    "cython/**/*.h",
    "*.toml",
    "*.py",
)


async def run(*command: object) -> None:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the text has its output.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        text = output.decode(errors="replace")
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{text}")


def digest_of_sources() -> str:
    """Return a digest of everything that the wheel is made of."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


async def wheel() -> Path:
    """Return a wheel of the tree as it is now, built unless there is one already."""
    directory = DIRECTORY / "wheel" / digest_of_sources()
    if not directory.exists():
        shutil.rmtree(directory.parent, ignore_errors=True)
        unfinished = directory.with_suffix(".unfinished")
        command = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-cache-dir")
        await run(*command, "--disable-pip-version-check", "-w", unfinished, ROOT)
        unfinished.rename(directory)
    [path] = directory.glob("*.whl")
    return path


async def environment(name: str, requirements: Sequence[str], wheel: Path) -> Path:
    """Return the Python of a program's environment, made unless it is there already."""
    directory = DIRECTORY / name
    python = directory / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    if not _has(directory / "requirements.txt", "\n".join((sys.version, *requirements))):
        await run(sys.executable, "-m", "venv", "--clear", directory)
        await run(*pip, *requirements)
        _note(directory / "requirements.txt", "\n".join((sys.version, *requirements)))
    if not _has(directory / "wheel.txt", _digest_of(wheel)):
        await run(*pip, wheel)
        # The version is the same for every state of the tree.
        await run(*pip, "--force-reinstall", "--no-deps", wheel)
        _note(directory / "wheel.txt", _digest_of(wheel))
    return python


def _digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _has(path: Path, text: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8") == text
    return False


def _note(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
