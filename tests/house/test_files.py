"""Source files stay short, and every script of the CI is uniform and in use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from house.project import ROOT

LIMIT_LINES = 500
SUFFIXES = frozenset({".c", ".h", ".pxd", ".py", ".pyi", ".pyx", ".sh"})
PLACES = ("benchmarks", "ci", "cython", "examples", "fuzz", "src", "tests")

FILES = sorted(
    path
    for place in PLACES
    for path in (ROOT / place).rglob("*")
    if path.suffix in SUFFIXES and "__pycache__" not in path.parts
)
SCRIPTS = sorted((ROOT / "ci").glob("*.sh"))


def name_of(path: Path) -> str:
    """Return the path relative to the project's directory."""
    return path.relative_to(ROOT).as_posix()


def test_files_were_found() -> None:
    assert {path.suffix for path in FILES} >= {".c", ".h", ".pxd", ".py", ".pyi", ".pyx", ".sh"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_over_500_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LIMIT_LINES, f"{lines} lines, limit is {LIMIT_LINES}"


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_script_stops_at_the_first_fault(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith("#")]
    assert lines[0] == "#!/usr/bin/env bash"
    assert code[:2] == ["set -euo pipefail", 'cd "$(dirname "$0")/.."']
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("script", sorted((ROOT / "ci").glob("*.*")), ids=name_of)
def test_a_script_is_called_by_someone(script: Path) -> None:
    callers = [ROOT / "Makefile", ROOT / ".ci" / "run", ROOT / "pyproject.toml", *SCRIPTS]
    callers += (ROOT / ".github" / "workflows").glob("*.yml")
    texts = [path.read_text(encoding="utf-8") for path in callers if path != script]
    assert any(script.name in text for text in texts)


def test_the_workflow_and_the_whole_run_call_the_same_jobs() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    jobs = (ROOT / "ci" / "all.sh").read_text(encoding="utf-8")
    for script in ("build-modes.sh", "fuzz.sh", "sanitize.sh", "wheels.sh"):
        assert f"bash ci/{script}" in workflow
        assert f"bash ci/{script}" in jobs
    for target in ("counts", "demo", "docs", "lint", "network", "programs", "soak", "test"):
        assert f"make {target}" in workflow
        assert f"make {target}" in jobs


def test_the_entry_of_ci_is_one_executable_call() -> None:
    run = ROOT / ".ci" / "run"
    assert run.read_text(encoding="utf-8") == "#!/usr/bin/env bash\nexec bash ci/all.sh\n"
    assert run.stat().st_mode & 0o100
