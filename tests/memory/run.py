"""Plays scenes in processes of their own, and collects what went wrong at which point.

`python -m memory.run` plays every point of every scene. `--stride N` plays every Nth point, and
names of scenes play only these.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from memory.scenes import SCENES

TESTS: Final = Path(__file__).parents[1]
# After this many crashes, a scene is given up.
MAX_CRASHES: Final = 20


@dataclass
class Outcome:
    """What became of the points of one scene.

    Attributes:
        points: how many points were played.
        problems: what went wrong, each with the number of its point.
        excuses: what asyncio or the interpreter did wrong, and how often.
    """

    points: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    excuses: Counter[str] = field(default_factory=Counter)


@contextlib.contextmanager
def running_peer() -> Iterator[int]:
    """Run the peer in a process of its own; yield its port."""
    command = [sys.executable, "-P", "-m", "memory.peer"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), text=True
    ) as peer:
        if peer.stdout is None or peer.stdin is None:
            raise RuntimeError("the peer has no pipes")
        try:
            yield int(peer.stdout.readline())
        finally:
            peer.stdin.close()
            peer.wait()


def play_scene(port: int, name: str, first: int, stride: int) -> Outcome:
    """Play every `stride`th point of a scene, from `first` on; a crash does not end it."""
    outcome = Outcome()
    crashes = 0
    while crashes < MAX_CRASHES:
        command = [sys.executable, "-P", "-m", "memory.play", str(port), name]
        process = subprocess.run(
            [*command, str(first), str(stride)],
            capture_output=True,
            env=_environment(),
            text=True,
            check=False,
        )
        last = _read(process.stdout, outcome)
        if process.returncode == 0:
            break
        crashes += 1
        kind = "hang" if "Timeout (" in process.stderr else f"crash {process.returncode}"
        outcome.problems.append((last, f"{kind}: {process.stderr[-3000:]}"))
        first = last + stride
    return outcome


def _read(printed: str, outcome: Outcome) -> int:
    point = -1
    for line in printed.splitlines():
        word, _, rest = line.partition(" ")
        if word == "begin":
            point = int(rest)
        elif word == "problem":
            outcome.problems.append((point, rest))
        elif word == "excuse":
            outcome.excuses[rest] += 1
        elif word == "end":
            outcome.points += 1
        elif outcome.problems and line.startswith(" "):
            number, text = outcome.problems[-1]
            outcome.problems[-1] = (number, f"{text}\n{line}")
    return point


def _environment() -> dict[str, str]:
    # What is allocated must not depend on the seed.
    fixed = {"PYTHONHASHSEED": "0", "PYTHONFAULTHANDLER": "1"}
    return {**os.environ, **fixed, "PYTHONPATH": str(TESTS)}


def main() -> int:
    """Play, print what went wrong, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("scenes", nargs="*", default=[])
    arguments = parser.parse_args()
    names = arguments.scenes or list(SCENES)
    with running_peer() as port, ThreadPoolExecutor(arguments.jobs) as pool:
        playing = {
            name: pool.submit(play_scene, port, name, arguments.first, arguments.stride)
            for name in names
        }
        points = bad = 0
        for name, future in playing.items():
            outcome = future.result()
            points += outcome.points
            bad += len({point for point, _ in outcome.problems})
            print(
                f"{name}: {outcome.points} points, {len(outcome.problems)} problems,"
                f" {dict(outcome.excuses)}",
                flush=True,
            )
            for point, problem in outcome.problems:
                shown = problem.split("\n")[0][:150] if arguments.brief else problem
                print(f"  {name} {point}: {shown}", flush=True)
    print(f"{points} points, {bad} of them bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
