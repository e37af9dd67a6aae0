"""Each system call of a plain connection fails once with each error of docs/system-calls.md.

`failing/calls.c` makes the calls fail, and `failing/play.py` plays the rows, in a process of its
own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from looprunner import LOOP_FACTORIES

HERE: Final = Path(__file__).parent / "failing"
PAGE: Final = HERE.parent.parent.parent / "docs" / "system-calls.md"
ROW: Final = re.compile(r"\| (\w+) \| `(\w+)` \| ([A-Z, ]+) \| ([^|]+) \| ([^|]+) \|")
FLAGS: Final = ("-std=gnu99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
RUN_LIMIT_SECONDS: Final = 300

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses LD_PRELOAD and epoll")


def rows(loop_name: str) -> list[tuple[str, str]]:
    """Return the calls, and the outcome that the page states for each."""
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return [
        (f"{step} {call} {error}", asyncio if loop_name == "asyncio" else uvloop)
        for step, call, errors, asyncio, uvloop in found
        for error in errors.split(", ")
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the library that makes the calls fail."""
    command = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no C compiler {command[0]!r}")
    made = tmp_path_factory.mktemp("failing") / "calls.so"
    line = [*command, *FLAGS, str(HERE / "calls.c"), "-o", str(made), "-ldl"]
    built = subprocess.run(line, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return made


def test_rows_were_found() -> None:
    assert len(rows("asyncio")) > 40


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
def test_each_call_fails_once(library: Path, loop_name: str) -> None:
    expected = rows(loop_name)
    played = subprocess.run(
        [sys.executable, "-P", str(HERE / "play.py"), str(library), loop_name],
        input="\n".join(row for row, _ in expected),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_LIMIT_SECONDS,
        env={**os.environ, "LD_PRELOAD": str(library)},
    )
    assert (played.returncode, played.stderr) == (0, "")
    outcomes = played.stdout.splitlines()
    assert [
        (row, outcome) for (row, _), outcome in zip(expected, outcomes, strict=True)
    ] == expected
