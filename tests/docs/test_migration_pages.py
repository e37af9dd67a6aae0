"""What the tables for other clients' programs name in their right column exists here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import wirespeed

PAGES = sorted((Path(__file__).parents[2] / "docs" / "migration").glob("*.md"))
CODE = re.compile(r"`([^`]+)`")
PARAMETERS = frozenset(inspect.signature(wirespeed.connect).parameters)
ELSEWHERE = frozenset({"cafile", "initial", "should_retry", "timeout", "type"})


def right_columns() -> list[tuple[str, str]]:
    return [
        (page.name, line.rpartition(" | ")[2])
        for page in PAGES
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and line.count(" | ") == 1
    ]


def test_there_are_rows() -> None:
    assert len(right_columns()) > 100


@pytest.mark.parametrize(("page", "cell"), right_columns())
def test_the_names_exist(page: str, cell: str) -> None:
    for code in CODE.findall(cell):
        for name in re.findall(r"\bws\.(\w+)", code):
            assert hasattr(wirespeed.WebSocketConnection, name), name
        for name in re.findall(r"\b([a-z_]+)=", code):
            assert name in PARAMETERS | ELSEWHERE, name
        if re.fullmatch(r"[A-Z]\w+", code) and code != "OSError":
            assert hasattr(wirespeed, code), code
