"""Every behaviour in docs/behaviour.md and SECURITY.md has a test with the name given there."""

from __future__ import annotations

import re

import pytest
from house.project import ROOT

PAGES = [
    path.read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "behaviour.md", ROOT / "SECURITY.md")
]
ROWS = [
    line
    for page in PAGES
    for line in page.splitlines()
    if line.startswith("| ") and "| test |" not in line
]
ROW = re.compile(r"\| (?P<subject>.+) \| (?P<behaviour>.+\.) \| `(?P<path>.+)::(?P<name>\w+)` \|")
# This also matches a test case that hypothesis makes: `TestName: Any = ...`.
DEFINITION = re.compile(r"^(?:(?:async )?def |class )?([Tt]est\w+)(?=[(:])", re.MULTILINE)


def test_rows_were_found() -> None:
    for page in PAGES:
        assert len(ROW.findall(page)) > 50


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_a_test_that_exists(row: str) -> None:
    match = ROW.fullmatch(row)
    assert match is not None, "a row has a subject, a sentence and `path::test`"
    path = ROOT / match["path"]
    assert path.is_file(), "there is no such file"
    assert path.name.startswith("test_"), "pytest would not collect this file"
    names = DEFINITION.findall(path.read_text(encoding="utf-8"))
    assert match["name"] in names, "there is no such test in this file"
