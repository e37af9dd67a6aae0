"""The dashboard, and the figures a second."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from wirespeed.relay import FeedStatus, Progress
from wirespeed.relay._dashboard import table
from wirespeed.relay._figures import Rates, Row, json_line

GOOD = FeedStatus("a", True, 2, 12345, 1 << 20, 7, 3, "", Progress(12340, 1 << 20, 1, 4, 5, 0.0125))


def rendered(rows: list[Row], restarts: int) -> list[list[str]]:
    """Return the cells of the rows, and the caption."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table(rows, restarts))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return [[cell.strip() for cell in line.strip("┃│").split("│")] for line in lines]


def test_each_feed_has_a_row() -> None:
    bad = FeedStatus("b", error="no route")
    lines = rendered([Row(GOOD, 1000.4, 2048.0), Row(bad, 0.0, 0.0)], 3)
    assert [
        *("a", "yes", "1,000", "2.0", "12.5", "3", "5", "12,340", "7", "1", "4", "2"),
    ] in lines
    assert ["b", "no route", "0", "0.0", "0.0", "0", "0", "0", "0", "0", "0", "0"] in lines
    assert lines[0] == ["wirespeed relay"]
    assert lines[-1] == ["workers started again: 3"]


def test_an_error_is_no_markup() -> None:
    [row] = [
        line
        for line in rendered([Row(FeedStatus("b", error="[red]x[/blue]\x1b[2J"), 0, 0)], 0)
        if line[0] == "b"
    ]
    assert row[1] == "[red]x[/blue]?[2J"


def test_rates_are_differences_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("wirespeed.relay._figures.time.monotonic", lambda: now)
    rates = Rates()
    now = 102.0
    assert rates.rows([GOOD]) == [Row(GOOD, 0.0, 0.0)]
    now = 104.0
    more = FeedStatus("a", messages=12345 + 100, message_bytes=(1 << 20) + 400)
    assert rates.rows([more]) == [Row(more, 50.0, 200.0)]
    now = 105.0
    # A worker was killed, and what it had not told is gone.
    assert rates.rows([GOOD]) == [Row(GOOD, 0.0, 0.0)]


def test_a_line_of_json() -> None:
    line = json.loads(json_line(Row(GOOD, 1.26, 2.0)))
    assert line.pop("time") > 0
    assert line == {
        "feed": "a",
        "connected": True,
        "connections": 2,
        "messages": 12345,
        "message_bytes": 1 << 20,
        "dropped": 7,
        "queued": 3,
        "error": "",
        "published": 12340,
        "published_bytes": 1 << 20,
        "rejected": 1,
        "repeated": 4,
        "unacknowledged": 5,
        "delay": 0.0125,
        "messages_per_second": 1.3,
        "bytes_per_second": 2.0,
    }
