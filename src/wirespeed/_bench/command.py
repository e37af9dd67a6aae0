"""`wirespeed bench`: arguments in, a report, a JSON file and charts out.

Must not know how anything is measured.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .._console import complain, note, say
from . import contenders, results, works
from .contenders import OURS, Contender
from .figures import Case
from .processes import Failed
from .progress import Progress
from .report import whole
from .runner import Benchmark, Plan
from .works import Work

INTERRUPTED: Final = 130
INSTALL: Final = 'pip install "wirespeed[bench]"'
# Rounds, seconds of a turn, seconds of a turn with a paced feed.
_TURNS: Final = {"quick": (3, 0.08, 0.3), "default": (5, 0.1, 0.5), "full": (7, 0.15, 1.0)}
_PRESETS: Final[dict[str, tuple[str, ...]]] = {
    "quick": works.QUICK,
    "default": works.HEADLINE,
    "full": ("*",),
}
# On the second event loop the default leaves these out: they take long.
_ON_ONE_LOOP: Final = frozenset({"paced", "handshake", "memory"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """State the options of the subcommand."""
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--quick", action="store_const", const="quick", dest="preset", help="under a minute"
    )
    length.add_argument(
        "--full",
        action="store_const",
        const="full",
        dest="preset",
        help="all works, from 16 B to 1 MiB; the better part of an hour",
    )
    parser.add_argument(
        "--works",
        type=_names,
        metavar="KEYS",
        help="only these, separated by commas; * stands for anything, as in 'receive-*,echo-256-*'",
    )
    parser.add_argument(
        "--peers",
        type=_names,
        metavar="NAMES",
        help="only these beside wirespeed, separated by commas",
    )
    parser.add_argument(
        "--loop",
        choices=["asyncio", "uvloop", "both"],
        help="the event loop (default: both, with --quick asyncio)",
    )
    parser.add_argument("--rounds", type=_rounds, metavar="N", help="how often each has its turn")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("bench-results"),
        metavar="DIR",
        help="where the report, the JSON file and the charts go (default: bench-results)",
    )
    parser.add_argument(
        "--list", action="store_true", help="name all works and peers, and measure nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark; return the exit status.

    1 if wirespeed itself failed somewhere, 2 if the arguments cannot be used. A peer that is
    missing or fails is told and changes nothing.
    """
    try:
        wanted = contenders.chosen(arguments.peers)
        preset = arguments.preset or "default"
        chosen = works.chosen(arguments.works or _PRESETS[preset])
    except ValueError as exc:
        complain(str(exc))
        return 2
    if arguments.list:
        say("\n".join([*(f"{work.key:28} {work.title}" for work in works.ALL_WORKS), ""]))
        say("\n".join(contender.name for contender in wanted))
        return 0
    loops = _loops(arguments.loop or ("asyncio" if preset == "quick" else "both"))
    here = [contender for contender in wanted if contender.is_installed()]
    plan = _plan(preset, arguments, _cases(chosen, loops, arguments), here)
    told = results.surroundings(plan, preset=preset, contenders=wanted, loops=loops)
    _tell_missing(wanted, loops)
    benchmark = Benchmark(plan, Progress(sys.stdout))
    interrupted = False
    try:
        benchmark.run()
    except Failed as exc:
        complain(str(exc))
        return 1
    except KeyboardInterrupt:
        interrupted = True
        note("interrupted; this is what was measured until then")
    for name, about in benchmark.about.items():
        told["contenders"][name] |= about
    _write(told, benchmark.cases, arguments.output)
    if interrupted:
        return INTERRUPTED
    return 1 if any(OURS in case.errors for case in benchmark.cases) else 0


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("must name something")
    return names


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, not {text!r}")
    return int(text)


def _loops(wanted: str) -> dict[str, str]:
    """Return the version of each event loop; the word `missing` for one that is not there."""
    names = ("asyncio", "uvloop") if wanted == "both" else (wanted,)
    versions = {}
    for name in names:
        if name == "asyncio":
            versions[name] = sys.version.split()[0]
        elif importlib.util.find_spec(name) is None:
            versions[name] = "missing"
        else:
            versions[name] = importlib.metadata.version(name)
    return versions


def _cases(
    chosen: Sequence[Work], loops: dict[str, str], arguments: argparse.Namespace
) -> list[tuple[Work, str]]:
    """Combine works and event loops."""
    present = [name for name, version in loops.items() if version != "missing"]
    thorough = arguments.preset == "full" or arguments.loop is not None
    return [
        (work, loop)
        for loop in present
        for work in chosen
        if thorough or loop == present[0] or work.kind not in _ON_ONE_LOOP
    ]


def _plan(
    preset: str,
    arguments: argparse.Namespace,
    cases: Sequence[tuple[Work, str]],
    here: Sequence[Contender],
) -> Plan:
    rounds, seconds, paced_seconds = _TURNS[preset]
    return Plan(cases, here, arguments.rounds or rounds, seconds, paced_seconds)


def _tell_missing(wanted: Sequence[Contender], loops: dict[str, str]) -> None:
    packages = {contender.package for contender in wanted if not contender.is_installed()}
    packages |= {name for name, version in loops.items() if version == "missing"}
    if packages:
        note(f"not installed, and so left out: {', '.join(sorted(packages))}; {INSTALL}")


def _write(told: dict[str, Any], cases: Sequence[Case], directory: Path) -> None:
    """Print the report, and write all files."""
    report = whole(told, cases)
    say(f"\n{report}")
    directory.mkdir(parents=True, exist_ok=True)
    directory.joinpath("report.md").write_text(report, encoding="utf-8")
    content = {**told, "cases": [results.case_json(case) for case in cases]}
    directory.joinpath("results.json").write_text(
        json.dumps(content, indent=1) + "\n", encoding="utf-8"
    )
    written = ["report.md", "results.json"]
    if importlib.util.find_spec("matplotlib") is None:
        note(f"no charts: matplotlib is not installed; {INSTALL}")
    else:
        from . import charts

        written += charts.draw(cases, directory)
    say(f"written to {directory}: {', '.join(written)}")
