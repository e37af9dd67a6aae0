"""How rounds become tables: the arithmetic of the benchmark, and what a reader sees of it."""

from __future__ import annotations

import io
import json

import pytest

from wirespeed._bench import figures
from wirespeed._bench.figures import Case
from wirespeed._bench.report import json_file, tables
from wirespeed._bench.report.progress import Progress
from wirespeed._bench.works import Work

RECEIVE = Work("receive", 64)
PACED = Work("paced", 64, rate=10_000)
POINTS = {"p50": 10.0, "p99": 20.0, "p99.9": 30.0, "max": 40.0}


def rounds(*microseconds: float) -> list[figures.Round]:
    """Make rounds of 1000 messages with this CPU time for each message, and twice the wall time."""
    return [{"count": 1000, "cpu": cost / 1000, "wall": cost / 500} for cost in microseconds]


def feed(microseconds: float, factor: float) -> figures.Round:
    latency = {name: value * factor for name, value in POINTS.items()}
    late = {"server_late": dict.fromkeys(POINTS, 1.5)}
    return {"count": 1000, "cpu": microseconds / 1000, "wall": 1.0, "latency": latency, **late}


def cells(table: str) -> list[list[str]]:
    """Parse a Markdown table, without the line below its head."""
    lines = table.splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[:1] + lines[2:]]


@pytest.fixture
def case() -> Case:
    return Case(
        RECEIVE,
        "asyncio",
        rounds={
            "websockets": rounds(4.0, 8.0, 6.0),
            "wirespeed": rounds(1.0, 2.0, 4.0),
            "wirespeed batches": rounds(0.1, 0.2, 0.4),
            "picows callbacks": rounds(0.9, 1.8, 3.6),
            "aiohttp": rounds(1.0),
        },
        errors={"aiohttp": "ended with status 1:\n a | b"},
    )


def test_the_median_and_its_spread() -> None:
    found = figures.summary(RECEIVE, rounds(5.0, 1.0, 4.0, 2.0, 3.0), None)
    assert found.median == pytest.approx(3.0)
    assert found.quartiles == pytest.approx((2.0, 4.0))
    assert found.extremes == pytest.approx((1.0, 5.0))
    assert found.per_second == pytest.approx(1e6 / 6)
    assert (found.ratio, found.latency, found.server_late) == (None, {}, {})


def test_one_round_has_no_spread() -> None:
    assert figures.quartiles([7.0]) == (7.0, 7.0)


def test_rounds_are_compared_one_by_one() -> None:
    # The ratio of the medians would be 2.
    found = figures.summary(RECEIVE, rounds(3.0, 10.0, 30.0), rounds(1.0, 5.0, 6.0))
    assert found.ratio == pytest.approx(3.0)


def test_memory_counts_kibibytes_a_connection() -> None:
    work = Work("memory", connections=100)
    found = figures.summary(work, [{"count": 100, "bytes": 1024_00 * 3}], None)
    assert (found.median, found.per_second) == (3.0, None)


def test_a_feed_has_latencies() -> None:
    found = figures.summary(PACED, [feed(5.0, factor) for factor in (1, 3, 2)], None)
    assert found.latency == {"p50": 20.0, "p99": 40.0, "p99.9": 60.0, "max": 80.0}
    assert (found.server_late["p99"], found.per_second) == (1.5, None)


def test_least_cost_comes_first_and_failures_have_no_figures(case: Case) -> None:
    assert list(case.summaries()) == [
        "wirespeed batches",
        "picows callbacks",
        "wirespeed",
        "websockets",
    ]


def test_without_wirespeed_there_is_nothing_to_compare_with(case: Case) -> None:
    case.errors["wirespeed"] = "failed"
    assert {found.ratio for found in case.summaries().values()} == {None}


def test_the_table_of_a_case(case: Case) -> None:
    table, _, told = tables.case_table(case).partition("\n\n")
    assert cells(table) == [
        [
            *("", "CPU us a message", "middle half", "all rounds"),
            *("messages a second", "against wirespeed"),
        ],
        ["wirespeed batches", "0.200", "0.150 to 0.300", "0.100 to 0.400", "2,500,000", "0.10 x"],
        ["picows callbacks", "1.80", "1.35 to 2.70", "0.900 to 3.60", "277,778", "0.90 x AHEAD"],
        ["wirespeed", "2.00", "1.50 to 3.00", "1.00 to 4.00", "250,000", "1.00 x"],
        ["websockets", "6.00", "5.00 to 7.00", "4.00 to 8.00", "83,333", "4.00 x"],
        ["aiohttp", "FAILED", "", "", "", ""],
    ]
    assert told == "aiohttp FAILED: ended with status 1: a | b"


def test_a_table_is_aligned_markdown() -> None:
    rows = [["a", "12.5"], ["longer", "3"]]
    assert tables.markdown(["", "x"], rows).splitlines() == [
        "|        |    x |",
        "| ------ | ---: |",
        "| a      | 12.5 |",
        "| longer |    3 |",
    ]


def test_the_table_of_a_feed() -> None:
    case = Case(PACED, "uvloop", {"wirespeed": [feed(5.0, 1)], "aiohttp": [feed(10.0, 0.5)]})
    assert cells(tables.case_table(case))[1:] == [
        ["wirespeed", "5.00", "1.00 x", "10.0", "20.0", "30.0", "1.00 x", "1.50"],
        ["aiohttp", "10.0", "2.00 x", "5.00", "10.0", "15.0", "0.50 x AHEAD", "1.50"],
    ]


def test_the_headline_has_the_best_of_the_others(case: Case) -> None:
    failed = Case(RECEIVE, "uvloop", errors={"wirespeed": "failed"})
    _, first, second = cells(tables.headline_table([case, failed]))
    assert first == [
        *("receive 64 B text, asyncio", "2.00", "picows callbacks", "1.80", "0.90 x AHEAD"),
        "CPU us a message",
    ]
    assert second[1:5] == ["failed", "-", "-", "-"]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, "-"), (1.0, "1.00 x"), (0.996, "1.00 x"), (0.99, "0.99 x AHEAD"), (12.345, "12.35 x")],
)
def test_who_is_ahead_is_told(ratio: float | None, text: str) -> None:
    assert tables.ratio_text("websockets", ratio) == text


def test_wirespeed_is_not_ahead_of_itself() -> None:
    assert tables.ratio_text("wirespeed batches", 0.1) == "0.10 x"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0584, "0.058"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_three_digits(value: float, text: str) -> None:
    assert tables.number(value) == text


def test_the_json_of_a_case(case: Case) -> None:
    made = json.loads(json.dumps(json_file.case_json(case)))
    assert (made["key"], made["loop"], made["unit"]) == (
        "receive-64-text",
        "asyncio",
        "CPU us a message",
    )
    assert made["work"]["size"] == 64
    assert set(made["contenders"]) == set(case.rounds)
    ours = made["contenders"]["wirespeed"]
    assert ours["median"] == pytest.approx(2.0)
    assert ours["rounds"] == case.rounds["wirespeed"]
    assert made["contenders"]["aiohttp"] == {
        "error": "ended with status 1:\n a | b",
        "rounds": case.rounds["aiohttp"],
    }


def test_a_log_gets_a_line_for_each_case(case: Case) -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.step(case, 1, 2, "round 1: wirespeed")
    progress.finished(case)
    assert out.getvalue() == (
        "receive 64 B text, asyncio (CPU us a message): wirespeed batches 0.200,"
        " picows callbacks 1.80, wirespeed 2.00, websockets 6.00, aiohttp FAILED\n"
    )


def test_a_terminal_sees_what_is_going_on(case: Case) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    progress = Progress(out)
    progress.step(case, 1, 2, "round 1")
    progress.finished(case)
    assert out.getvalue().startswith("\r[1/2] receive 64 B text, asyncio: round 1\r")
    assert out.getvalue().endswith("aiohttp FAILED\n")
