"""Fuzzes the targets one after another, and says how far each one came.

Run as a program by ci/fuzz.sh, in an environment with atheris and a core that is built for it. With
the name of one target as `--target`, it fuzzes only that one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).parent
CORPUS: Final = HERE / "corpus"
PYTHON_TARGETS: Final = tuple(
    sorted(path.stem for path in (HERE / "targets").glob("*.py") if path.stem != "__init__")
)
KERNELS: Final = "kernels"
TARGETS: Final = (KERNELS, *PYTHON_TARGETS)

# An input takes a few milliseconds at most.
INPUT_SECONDS: Final = 20
# What a process may take to start and to run its corpus, beyond its time.
START_SECONDS: Final = 300
MOST_BYTES: Final = 4096

_COVERED = re.compile(r"^#\d+\s.* cov: (\d+) ft: (\d+)", re.MULTILINE)
_STAT = re.compile(r"^stat::(\w+):\s+(\d+)", re.MULTILINE)


class Figures(NamedTuple):
    """How far one target came.

    Attributes:
        executions: how many inputs were tried.
        a_second: how many of them a second.
        edges: how many edges of the instrumented code were reached.
        features: edges, each with how often an input took it.
        inputs: how many inputs are in the corpus of this machine.
        failed: whether an input failed.
    """

    executions: int
    a_second: int
    edges: int
    features: int
    inputs: int
    failed: bool


def fuzz(target: str, seconds: int, place: Path) -> Figures:
    """Fuzz one target. New inputs go below `place`, inputs that fail to `place`/found."""
    own = place / "corpus" / target
    found = place / "found"
    own.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            *_command(target, place),
            f"-max_total_time={seconds}",
            f"-timeout={INPUT_SECONDS}",
            f"-max_len={MOST_BYTES}",
            f"-artifact_prefix={found}/{target}-",
            "-print_final_stats=1",
            str(own),
            str(CORPUS / target),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=seconds + START_SECONDS,
    )
    (place / f"{target}.log").write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        print(done.stdout[-6000:])
    return _figures(done.stdout, len(list(own.iterdir())), failed=done.returncode != 0)


def _command(target: str, place: Path) -> list[str]:
    if target == KERNELS:
        return [str(place / KERNELS)]
    # The library has ASan's runtime, which must be loaded first, and libFuzzer.
    preload = f"LD_PRELOAD={Path(sysconfig.get_path('purelib'), 'asan_with_fuzzer.so')}"
    return ["env", preload, sys.executable, "-P", "-m", "fuzz.python", target]


def _figures(output: str, inputs: int, *, failed: bool) -> Figures:
    stats = {name: int(value) for name, value in _STAT.findall(output)}
    edges, features = max(
        ((int(edges), int(features)) for edges, features in _COVERED.findall(output)),
        default=(0, 0),
    )
    return Figures(
        executions=stats.get("number_of_executed_units", 0),
        a_second=stats.get("average_exec_per_sec", 0),
        edges=edges,
        features=features,
        inputs=inputs,
        failed=failed,
    )


def minimise(target: str, place: Path) -> None:
    """Replace the corpus in the repository with the fewest inputs that cover as much."""
    merged = place / "merged" / target
    merged.mkdir(parents=True, exist_ok=True)
    for old in merged.iterdir():
        old.unlink()
    subprocess.run(
        [
            *_command(target, place),
            "-merge=1",
            f"-max_len={MOST_BYTES}",
            str(merged),
            str(CORPUS / target),
            str(place / "corpus" / target),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for old in (CORPUS / target).iterdir():
        old.unlink()
    for new in merged.iterdir():
        new.rename(CORPUS / target / new.name[:16])


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, print a table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int, help="how long in all, divided among the targets")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one")
    parser.add_argument("--place", type=Path, default=Path("build", "fuzz"))
    parser.add_argument(
        "--minimise", action="store_true", help="then write the smallest corpus to the repository"
    )
    options = parser.parse_args(arguments)
    targets = options.target or TARGETS
    each = max(1, options.seconds // len(targets))
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
    print(f"{each} s a target")
    print(
        f"{'target':16}{'executions':>12}{'a second':>10}{'edges':>8}{'features':>10}{'inputs':>8}"
    )
    failed = []
    for target in targets:
        figures = fuzz(target, each, options.place)
        print(
            f"{target:16}{figures.executions:12}{figures.a_second:10}{figures.edges:8}"
            f"{figures.features:10}{figures.inputs:8}" + (" FAILED" if figures.failed else ""),
            flush=True,
        )
        if figures.failed:
            failed.append(target)
        elif options.minimise:
            minimise(target, options.place)
    if failed:
        print(f"failed: {', '.join(failed)}; the inputs are in {options.place / 'found'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
