"""The programs of others are complete and listed, and their transcripts say what differs.

Does not use the package under test: these tests check the harness of `make programs` itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from house.project import ROOT
from programs import run
from programs.catalogue import PROGRAMS
from programs.run import Run, row
from programs.transcript import Transcript, described

PLACE = ROOT / "tests" / "programs"
PAGE = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")


def modules_in(folder: str) -> set[str]:
    """Return the names of the modules in a folder."""
    return {path.stem for path in (PLACE / folder).glob("*.py")}


def test_each_program_has_a_client_and_a_server() -> None:
    assert modules_in("clients") == set(PROGRAMS)
    assert modules_in("servers") == {n for n, program in PROGRAMS.items() if not program.browser}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_has_each_program_with_its_versions(name: str) -> None:
    assert row(PROGRAMS[name], "").removesuffix("  |") in PAGE


def test_the_page_has_no_other_programs() -> None:
    assert PAGE.count("\n| `") == len(PROGRAMS)


def test_few_programs_run_with_every_change() -> None:
    fast = [program for program in PROGRAMS.values() if program.fast]
    assert {program.library for program in fast} == {"websockets", "aiohttp", "aiosonic"}
    assert len(fast) <= 5


def written(path: Path, *parts: object) -> str:
    """Return the line that a transcript writes."""
    Transcript(path).say(*parts)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ws://127.0.0.1:54321/feed", "ws://127.0.0.1:PORT/feed\n"),
        ("('127.0.0.1', 54321)", "('127.0.0.1', PORT)\n"),
        ("<Task at 0x7f00deadbeef>", "<Task at ADDRESS>\n"),
        ("session 36162160-08ec-4622-be75-69094ca36d1e", "session UUID\n"),
        ("1011, price 54321 at 12", "1011, price 54321 at 12\n"),
        ("two\nlines", "two\\nlines\n"),
    ],
)
def test_only_what_differs_between_runs_is_left_out(tmp_path: Path, text: str, line: str) -> None:
    assert written(tmp_path / "transcript.txt", text) == line


def test_a_part_tells_what_it_raised_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "transcript.txt"
    transcript = Transcript(path)
    with transcript.part("one"), transcript.collecting("items") as items:
        items += [1, 2]
        raise LookupError("no more")
    transcript.say("after")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [lines[0], *lines[2:]] == ["[one]", "raised builtins.LookupError: no more", "after"]
    assert lines[1].startswith("2 items (")
    assert lines[1].endswith("the last: 2")


def test_collected_items_differ_wherever_they_do(tmp_path: Path) -> None:
    lines = []
    for first in (1, 2):
        path = tmp_path / "transcript.txt"
        with Transcript(path).collecting("items") as items:
            items += [first, 3]
        lines.append(path.read_text(encoding="utf-8"))
    assert lines[0] != lines[1]


def test_an_error_counts_as_the_class_that_programs_know() -> None:
    kind = type("OurError", (LookupError,), {"__module__": "wirespeed.compat.anything"})
    error = kind("text")
    error.__cause__ = OSError("below")
    assert described(error) == "builtins.LookupError: text | caused by builtins.OSError: below"


def test_a_cause_of_our_own_is_left_out() -> None:
    ours = type("OurError", (ConnectionError,), {"__module__": "wirespeed.exceptions"})
    error = LookupError("text")
    error.__cause__ = cause = ours("ours")
    cause.__cause__ = OSError("below")
    assert described(error) == "builtins.LookupError: text | caused by builtins.OSError: below"
    assert described(ours("alone")) == "builtins.ConnectionError: alone"


@pytest.mark.parametrize(
    ("face", "result"),
    [
        (Run(["[a]", "saw 1"], "", ""), "the same 2 lines"),
        (Run(["[a]", "saw 2"], "", ""), "different"),
        (Run(["[a]"], "", ""), "different"),
        (Run(["[a]", "saw 1"], "", "exit status 1"), "failed on"),
    ],
)
@pytest.mark.parametrize("on", ["wirespeed", "swapped"])
async def test_only_the_same_transcript_passes(
    monkeypatch: pytest.MonkeyPatch, face: Run, result: str, on: str
) -> None:
    same = Run(["[a]", "saw 1"], "", "")
    runs = {"original": same, "wirespeed": same, "swapped": same, on: face}
    [name] = [name for name, program in PROGRAMS.items() if program.package.startswith("hass")]

    async def play(_name: str, implementation: str, *_others: Any) -> Run:
        return runs[implementation]

    monkeypatch.setattr(run, "play", play)
    nothing: Any = None
    wanted = f"{result} {on}" if face.problem else result
    assert await run.compared(name, nothing, nothing, "") == wanted
