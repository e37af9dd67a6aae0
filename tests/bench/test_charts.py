"""The charts show the same figures as the tables."""

from __future__ import annotations

from pathlib import Path

from wirespeed._bench.figures import Case, Round
from wirespeed._bench.report import charts
from wirespeed._bench.works import Work

POINTS = {"p50": 10.0, "p99": 20.0, "p99.9": 30.0, "max": 40.0}


def case(work: Work, **costs: float) -> Case:
    rounds: dict[str, list[Round]] = {
        name: [
            {
                "count": 1,
                "cpu": cost / 1e6,
                "wall": 1.0,
                "bytes": 1024,
                "latency": POINTS,
                "server_late": POINTS,
            }
        ]
        for name, cost in costs.items()
    }
    return Case(work, "asyncio", rounds)


def test_bars_name_everyone_and_their_figures(tmp_path: Path) -> None:
    cases = [case(Work("receive", 64), wirespeed=0.25, websockets=5.5, aiohttp=1.0)]
    assert charts.draw(cases, tmp_path) == ["messages-asyncio.svg", "messages-asyncio.png"]
    image = (tmp_path / "messages-asyncio.svg").read_text(encoding="utf-8")
    for text in ("receive 64 B text", "websockets", "5.50  (22.0 x)", "1.00  (4.0 x)", "0.250"):
        assert f">{text}<" in image
    assert (tmp_path / "messages-asyncio.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_figures_give_the_same_file(tmp_path: Path) -> None:
    cases = [case(Work("handshake"), wirespeed=100.0, aiohttp=200.0)]
    (tmp_path / "again").mkdir()
    charts.draw(cases, tmp_path)
    charts.draw(cases, tmp_path / "again")
    name = "connections-asyncio.svg"
    assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_each_kind_has_its_charts(tmp_path: Path) -> None:
    cases = [
        *(
            case(Work("send", size), wirespeed=size / 100, aiohttp=1.0)
            for size in (16, 64, 256, 1024)
        ),
        case(Work("paced", 64, rate=10_000), wirespeed=1.0, aiohttp=2.0),
        case(Work("memory", connections=100), wirespeed=1.0, aiohttp=2.0),
    ]
    assert {name.partition(".")[0] for name in charts.draw(cases, tmp_path)} == {
        *("messages-asyncio", "connections-asyncio", "feeds-asyncio", "latency-asyncio"),
        "sizes-asyncio",
    }


def test_a_case_that_failed_is_left_out(tmp_path: Path) -> None:
    assert charts.draw([Case(Work("receive", 64), "asyncio")], tmp_path) == []
