"""`wirespeed bench` around the measuring: what it selects, prints and writes."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, ClassVar

import pytest

from wirespeed.__main__ import main
from wirespeed._bench import command, works
from wirespeed._bench.figures import PERCENTILES, Case
from wirespeed._bench.run.processes import Failed
from wirespeed._bench.run.runner import Plan


class Measured:
    """Stands in for the benchmark: every client gets the same figures at once."""

    plans: ClassVar[list[Plan]]
    ends_with: ClassVar[BaseException | None] = None
    errors: ClassVar[dict[str, str]]

    def __init__(self, plan: Plan, listener: object) -> None:
        self.plans.append(plan)
        self._plan = plan
        self.about = {"wirespeed": {"settings": "as they are"}}
        self.cases: list[Case] = []

    def run(self) -> None:
        """Record made-up figures."""
        points = dict.fromkeys(PERCENTILES, 1.0)
        figures: dict[str, Any] = {"count": 1, "cpu": 1e-6, "wall": 1e-6, "bytes": 1024}
        figures |= {"latency": points, "server_late": points}
        for work, loop in self._plan.cases:
            names = [contender.name for contender in self._plan.contenders]
            rounds: dict[str, Any] = {name: [figures] for name in names if name not in self.errors}
            self.cases.append(Case(work, loop, rounds, dict(self.errors)))
            if self.ends_with is not None:
                raise self.ends_with


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> type[Measured]:
    class Mine(Measured):
        plans: ClassVar[list[Plan]] = []
        errors: ClassVar[dict[str, str]] = {}

    monkeypatch.setattr(command, "Benchmark", Mine)
    return Mine


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return a set; packages named in it look as if they were not installed."""
    names = {"matplotlib"}
    find = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in names else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    return names


WORKS = ["--works", "receive-64-text,send-64-text"]


def run(directory: Path, *arguments: str) -> int:
    return main(["bench", "--output", str(directory / "out"), *arguments])


def test_the_results_are_written_and_told(
    measured: type[Measured],
    without: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(tmp_path, *WORKS, "--peers", "websockets", "--loop", "asyncio", "--rounds", "3") == 0
    (plan,) = measured.plans
    assert [contender.name for contender in plan.contenders] == ["wirespeed", "websockets"]
    assert plan.rounds == 3
    out, err = capsys.readouterr()
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert report in out
    assert report.count("\n## ") == 3
    assert "no charts: matplotlib is not installed" in err
    content = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert content["settings"]["rounds"] == 3
    assert content["contenders"]["wirespeed"] == {"settings": "as they are"}
    assert [case["key"] for case in content["cases"]] == ["receive-64-text", "send-64-text"]
    assert set(content["machine"]) >= {"cpu", "cores", "kernel", "python"}


def test_what_is_not_installed_is_told_and_left_out(
    measured: type[Measured],
    without: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    without |= {"picows", "uvloop"}
    assert run(tmp_path, *WORKS, "--peers", "picows,websockets") == 0
    (plan,) = measured.plans
    assert [contender.name for contender in plan.contenders] == ["wirespeed", "websockets"]
    assert {loop for _, loop in plan.cases} == {"asyncio"}
    told = capsys.readouterr().err.splitlines()
    assert told[:3] == [
        "left out: picows is not installed",
        "left out: uvloop is not installed",
        'pip install "wirespeed[bench]" brings all of them',
    ]
    content = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert content["contenders"]["picows callbacks"] == {"missing": "picows is not installed"}


@pytest.mark.usefixtures("without")
def test_a_peer_that_fails_is_no_failure(measured: type[Measured], tmp_path: Path) -> None:
    measured.errors = {"websockets": "broke"}
    assert run(tmp_path, *WORKS, "--peers", "websockets") == 0
    assert "websockets FAILED: broke" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.usefixtures("without")
def test_wirespeed_failing_is_one(measured: type[Measured], tmp_path: Path) -> None:
    measured.errors = {"wirespeed": "broke"}
    assert run(tmp_path, *WORKS, "--peers", "websockets") == 1


@pytest.mark.usefixtures("without")
def test_ctrl_c_keeps_what_was_measured(measured: type[Measured], tmp_path: Path) -> None:
    measured.ends_with = KeyboardInterrupt()
    assert run(tmp_path, *WORKS, "--loop", "asyncio") == command.INTERRUPTED
    content = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [case["key"] for case in content["cases"]] == ["receive-64-text"]


def test_a_server_that_does_not_start(
    measured: type[Measured], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured.ends_with = Failed("the server did not start: no room")
    assert run(tmp_path, *WORKS, "--peers", "websockets") == 1
    assert capsys.readouterr().err.endswith("wirespeed: the server did not start: no room\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--works", "nope"], "no work matches 'nope'"),
        (["--peers", "nope"], "unknown peer 'nope'"),
    ],
)
def test_what_nobody_knows_is_refused(
    arguments: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, *arguments) == 2
    assert text in capsys.readouterr().err


def test_the_list_measures_nothing(
    measured: type[Measured], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--list", "--peers", "aiohttp") == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[:-3]] == [work.key for work in works.ALL_WORKS]
    assert listed[-3:] == ["", "wirespeed", "aiohttp"]
    assert measured.plans == []


@pytest.mark.usefixtures("without")
def test_the_presets_differ_in_works_and_loops(measured: type[Measured], tmp_path: Path) -> None:
    for preset in ([], ["--quick"], ["--full"]):
        assert run(tmp_path, "--peers", "websockets", *preset) == 0
    default, quick, full = (
        [(work.key, loop) for work, loop in plan.cases] for plan in measured.plans
    )
    assert quick == [(key, "asyncio") for key in works.QUICK]
    assert set(quick) < set(default) < set(full)
    assert ("handshake", "uvloop") not in default
    assert set(full) == {
        (work.key, loop) for work in works.ALL_WORKS for loop in ("asyncio", "uvloop")
    }
