"""Every micro benchmark still runs.

Each function is called once here, without timing.
"""

from __future__ import annotations

import subprocess
import sys

from house.project import ROOT


def test_the_benchmarks_run() -> None:
    suites = sorted((ROOT / "benchmarks").glob("bench_*.py"))
    assert suites
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "--benchmark-disable", *map(str, suites)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
