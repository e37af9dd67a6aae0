"""The logic of `make counts`: cachegrind's files in, a verdict out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.counts import cachegrind, figures, report
from benchmarks.counts.build import differences
from benchmarks.counts.cachegrind import Counts
from benchmarks.counts.works import WORKS, work_named

OUTPUT = """\
desc: I1 cache:         32768 B, 64 B, 8-way associative
cmd: python
events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw
fn=main
12 9 9 9 9 9 9 9 9 9
summary: 1000 20 3 400 30 5 600 7 8
"""
FIGURES = {"echo": {"instructions": 1000.0, "I1 misses": 100.0}}


def test_the_totals_are_read() -> None:
    assert cachegrind.parse(OUTPUT) == Counts(1000, 20, 37)


def test_a_file_that_was_not_finished_is_an_error() -> None:
    with pytest.raises(ValueError, match="no summary"):
        cachegrind.parse(OUTPUT.partition("summary")[0])


def test_what_both_runs_have_does_not_count() -> None:
    short, long = Counts(1000, 50, 10), Counts(3000, 150, 15)
    assert cachegrind.per_message(short, long, 100) == Counts(20, 1, 0.05)


def test_the_least_of_each_event_counts() -> None:
    assert cachegrind.least([Counts(1, 8, 3), Counts(2, 7, 3)]) == Counts(1, 7, 3)


@pytest.mark.parametrize(
    ("event", "count", "is_growth"),
    [
        ("instructions", 1019.0, False),
        ("instructions", 1021.0, True),
        ("instructions", 10.0, False),
        ("I1 misses", 106.9, False),
        ("I1 misses", 107.1, True),
    ],
)
def test_growth_is_more_than_the_tolerance(event: str, count: float, is_growth: bool) -> None:
    (change,) = figures.compare(FIGURES, {"echo": {event: count}})
    assert change.is_growth is is_growth


def test_a_work_without_a_figure_has_not_grown() -> None:
    (change,) = figures.compare(FIGURES, {"new": {"instructions": 5.0}})
    assert change.before is None
    assert not change.is_growth


def test_the_table_shows_what_has_grown() -> None:
    changes = figures.compare(FIGURES, {"echo": {"instructions": 1100.0, "I1 misses": 90.0}})
    head, grown, less = report.comparison(changes).splitlines()
    assert head.split() == ["work", "counted", "a", "message", "figure", "now", "change"]
    assert grown.split() == ["echo", "instructions", "1,000.0", "1,100.0", "+10.0", "%", "GROWN"]
    assert less.split() == ["echo", "I1", "misses", "100.0", "90.0", "-10.0", "%"]


def test_peers_are_multiples_of_ours() -> None:
    others = {"slow": {"echo": {"instructions": 2500.0}}, "other": {}}
    _, row = report.peers(FIGURES, others, "instructions").splitlines()
    assert row.split() == ["echo", "1,000.0", "2,500.0", "(2.50", "x)"]


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "3.11.json"
    assert figures.read(path) == ({}, {})
    figures.write(path, {"python": "3.11.7"}, {"echo": {"instructions": 1000.123}})
    assert figures.read(path) == ({"python": "3.11.7"}, {"echo": {"instructions": 1000.12}})


def test_builds_differ_by_what_either_says() -> None:
    assert not differences({"python": "3.11.7"}, {"python": "3.11.7"})
    told = differences({"python": "3.11.7"}, {"python": "3.11.8", "libc": "glibc"})
    assert [line.partition(":")[0] for line in told] == ["libc", "python"]


def test_every_work_is_whole_blocks_of_its_own_name() -> None:
    assert all(work_named(work.name) is work for work in WORKS)
    assert not any(work.short % work.block or work.long % work.block for work in WORKS)


@pytest.mark.parametrize("path", sorted(figures.DIRECTORY.glob("*.json")), ids=lambda p: p.stem)
def test_the_files_have_all_works(path: Path) -> None:
    build, works = figures.read(path)
    assert build["python"].startswith(path.stem)
    assert list(works) == [work.name for work in WORKS]
    assert all(list(counts) == list(cachegrind.EVENTS) for counts in works.values())
