"""Every behaviour in docs/behaviour.md has a test with the name given there."""

from __future__ import annotations

import re

import pytest
from house.project import ROOT

PAGE = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "| test |" not in line]
ROW = re.compile(r"\| (?P<subject>.+) \| (?P<behaviour>.+\.) \| `(?P<path>.+)::(?P<name>\w+)` \|")
# This also matches a test case that hypothesis makes: `TestName: Any = ...`.
DEFINITION = re.compile(r"^(?:(?:async )?def |class )?([Tt]est\w+)(?=[(:])", re.MULTILINE)


def test_rows_were_found() -> None:
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_a_test_that_exists(row: str) -> None:
    match = ROW.fullmatch(row)
    assert match is not None, "a row has a subject, a sentence and `path::test`"
    path = ROOT / match["path"]
    assert path.is_file(), "there is no such file"
    assert path.name.startswith("test_"), "pytest would not collect this file"
    names = DEFINITION.findall(path.read_text(encoding="utf-8"))
    assert match["name"] in names, "there is no such test in this file"
