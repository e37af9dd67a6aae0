"""Builds the harness of the C kernels, plain and under the sanitizers, and runs it.

`kernels.c` and the headers beside it do the checks. For another platform, `$CC` is a cross
compiler, `$WIRESPEED_KERNELS_RUNNER` the command that runs its programs here, and
`$WIRESPEED_KERNELS_LEVEL` the level that must have been checked besides the portable one.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parent.parent / "cython" / "wirespeed" / "kernels"
HEADERS = ("ascii.h", "cpu.h", "header.h", "lookup.h", "mask.h", "transcode.h", "utf8.h")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover")
RUN_LIMIT_SECONDS = 900
RUNNER = shlex.split(os.environ.get("WIRESPEED_KERNELS_RUNNER", ""))
LEVEL = os.environ.get("WIRESPEED_KERNELS_LEVEL", "portable")


@pytest.fixture(scope="module")
def compiler() -> list[str]:
    """Return the command of `$CC`, else `cc`. Its lack is an error if the extension is required."""
    command = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(command[0]) is None:
        reason = f"there is no C compiler {command[0]!r}"
        if os.environ.get("WIRESPEED_REQUIRE_EXTENSION") == "1":
            pytest.fail(f"{reason}, and WIRESPEED_REQUIRE_EXTENSION=1")
        pytest.skip(reason)
    return command


def build(compiler: list[str], source: Path, program: Path, *flags: str) -> None:
    """Compile one file. The compiler's output is the text of a failure."""
    command = [*compiler, *STRICT, *flags, f"-I{SOURCES}", str(source), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"{shlex.join(command)}\n{built.stderr}"


def run(program: Path) -> str:
    """Run a program to its end and return its output."""
    done = subprocess.run(
        [*RUNNER, str(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_LIMIT_SECONDS,
        # The harness exits at the first failure without freeing memory, so leaks are not checked.
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def has_sanitizers(compiler: list[str], directory: Path) -> bool:
    """Return whether an empty program can be built and run with the sanitizers."""
    source, program = directory / "nothing.c", directory / "nothing"
    source.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    command = [*compiler, *SANITIZERS, str(source), "-o", str(program)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return False
    done = subprocess.run([*RUNNER, str(program)], capture_output=True, check=False)
    return done.returncode == 0


def check_all_passed(output: str) -> None:
    """Check that the harness counted its checks: a program without checks would pass too."""
    counted = re.search(r"^kernels: (\d+) checks passed$", output, re.MULTILINE)
    assert counted is not None, output
    assert int(counted[1]) > 100_000_000, output
    assert "level portable" in output
    assert f"level {LEVEL}" in output


@pytest.mark.parametrize("header", HEADERS)
def test_each_header_compiles_alone_and_twice(
    compiler: list[str], header: str, tmp_path: Path
) -> None:
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\n#include "{header}"\n', encoding="utf-8")
    build(compiler, source, tmp_path / "alone.o", "-O3", "-Wpedantic", "-Wshadow", "-c")


def test_kernels_optimized(compiler: list[str], tmp_path: Path) -> None:
    program = tmp_path / "kernels"
    build(compiler, HERE / "kernels.c", program, "-O3")
    check_all_passed(run(program))


def test_kernels_under_sanitizers(compiler: list[str], tmp_path: Path) -> None:
    if not has_sanitizers(compiler, tmp_path):
        pytest.skip(f"{compiler[0]} has no address and undefined-behaviour sanitizers")
    program = tmp_path / "kernels"
    build(compiler, HERE / "kernels.c", program, "-O1", "-g", *SANITIZERS)
    check_all_passed(run(program))
