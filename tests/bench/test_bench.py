"""`wirespeed bench` as a user runs it, with real clients, but as short as possible."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from typing import Any

import commandline
import pytest

KINDS = {
    "asyncio": "receive-64-json,send-64-binary,echo-256-text-tls,pipeline-16-text,paced-10k",
    "uvloop": "receive-64-text,send-64-json,handshake-tls",
}

PEERS = {"websockets", "picows callbacks"}
FLOORS = {"floor: callback", "floor: task", "floor: window"}


def content(directory: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module", params=list(KINDS))
def measured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[commandline.Outcome, dict[str, Any]]:
    """Run a little of every work with two peers; return the output and the results file."""
    directory = tmp_path_factory.mktemp("bench")
    outcome = commandline.run(
        *("bench", "--quick", "--rounds", "2", "--works", KINDS[request.param]),
        *("--loop", request.param),
        *("--peers", ",".join(PEERS | FLOORS), "--output", str(directory)),
    )
    assert outcome.status == 0, outcome.err
    return outcome, {**content(directory), "loop": request.param}


def test_everybody_is_measured_in_everything(
    measured: tuple[commandline.Outcome, dict[str, Any]],
) -> None:
    _, written = measured
    assert [case["key"] for case in written["cases"]] == KINDS[written["loop"]].split(",")
    for case in written["cases"]:
        assert case["loop"] == written["loop"]
        is_paced = case["key"] == "paced-10k"
        assert set(case["contenders"]) == {"wirespeed"} | PEERS | (FLOORS if is_paced else set())
        for contender in case["contenders"].values():
            assert "error" not in contender
            assert len(contender["rounds"]) == 2
            assert contender["median"] > 0
            assert math.isfinite(contender["ratio"])
            assert ("p99" in contender["latency"]) == is_paced
        assert case["contenders"]["wirespeed"]["ratio"] == 1.0


def test_the_versions_and_settings_are_told(
    measured: tuple[commandline.Outcome, dict[str, Any]],
) -> None:
    outcome, written = measured
    about = written["contenders"]["websockets"]
    assert about["versions"]["websockets"][0].isdigit()
    assert "compression=None" in about["settings"]
    assert f"websockets {about['versions']['websockets']}" in outcome.out


def test_there_is_a_table_for_each_work(
    measured: tuple[commandline.Outcome, dict[str, Any]],
) -> None:
    outcome, written = measured
    headings = [line[3:] for line in outcome.out.splitlines() if line.startswith("## ")]
    assert headings == ["At a glance", *(case["title"] for case in written["cases"])]


def test_ctrl_c_leaves_what_was_measured_and_no_process(tmp_path: Path) -> None:
    arguments = ["--full", "--works", "echo-*", "--peers", "websockets", "--output", str(tmp_path)]
    with commandline.started("bench", *arguments) as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        # Standard error ends only when all processes that share it have ended.
        outcome = commandline.ended(process)
    assert first.startswith("echo 16 B text, one in flight, asyncio (CPU us a message): ")
    assert outcome.status == 130
    assert "interrupted; this is what was measured until then" in outcome.err
    assert content(tmp_path)["cases"][0]["key"] == "echo-16-text"
