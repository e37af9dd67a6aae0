"""`wirespeed bench`: runs the benchmark, and writes a report, a JSON file and charts."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .._cli.console import complain, note, say
from . import contenders, works
from .contenders import OURS, Contender
from .figures import Case
from .report import json_file
from .report.progress import Progress
from .report.tables import whole
from .run.processes import Failed
from .run.runner import Benchmark, Plan
from .works import Work

INTERRUPTED: Final = 130
INSTALL: Final = 'pip install "wirespeed[bench]"'
_MISSING: Final = "not installed"
# By preset: rounds, seconds of a turn, seconds of a turn with a paced feed.
_TURNS: Final = {"quick": (3, 0.08, 0.3), "default": (5, 0.1, 0.5), "full": (7, 0.15, 1.0)}
_PRESETS: Final[dict[str, tuple[str, ...]]] = {
    "quick": works.QUICK,
    "default": works.HEADLINE,
    "full": ("*",),
}
# By default these kinds run on the first event loop only, because they take long.
_ON_ONE_LOOP: Final = frozenset({"paced", "handshake", "memory"})


@dataclass(frozen=True)
class Options:
    """The options of the command line; `None` leaves the choice to the preset.

    Attributes:
        preset: quick, default or full.
        works: keys of works; `*` matches anything.
        peers: names of contenders, besides wirespeed; `None` for all.
        loop: asyncio, uvloop or both.
        rounds: the number of rounds.
        output: the directory for the results.
        only_list: whether to list works and contenders, and measure nothing.
    """

    preset: str
    works: list[str] | None
    peers: list[str] | None
    loop: str | None
    rounds: int | None
    output: Path
    only_list: bool


def run(options: Options) -> int:
    """Run the benchmark; return the exit status.

    The status is 1 if the contender `wirespeed` failed or the benchmark's server did not start, 2
    if the options cannot be used, and 130 after Ctrl-C. Any other contender that is missing or
    fails is reported, and does not change the status.
    """
    try:
        wanted = contenders.chosen(options.peers)
        chosen = works.chosen(options.works or _PRESETS[options.preset])
    except ValueError as exc:
        complain(str(exc))
        return 2
    if options.only_list:
        say("\n".join([*(f"{work.key:28} {work.title}" for work in works.ALL_WORKS), ""]))
        say("\n".join(contender.name for contender in wanted))
        return 0
    loops = _loops(options.loop or ("asyncio" if options.preset == "quick" else "both"))
    here = [contender for contender in wanted if contender.missing() is None]
    plan = _plan(options, _cases(chosen, loops, options), here)
    told = json_file.surroundings(plan, preset=options.preset, contenders=wanted, loops=loops)
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
    _write(told, benchmark.cases, options.output)
    if interrupted:
        return INTERRUPTED
    return 1 if any(OURS in case.errors for case in benchmark.cases) else 0


def _loops(wanted: str) -> dict[str, str]:
    """Return the version of each event loop; `_MISSING` if it is not installed."""
    names = ("asyncio", "uvloop") if wanted == "both" else (wanted,)
    versions = {}
    for name in names:
        if name == "asyncio":
            versions[name] = sys.version.split()[0]
        elif importlib.util.find_spec(name) is None:
            versions[name] = _MISSING
        else:
            versions[name] = importlib.metadata.version(name)
    return versions


def _cases(
    chosen: Sequence[Work], loops: dict[str, str], options: Options
) -> list[tuple[Work, str]]:
    """Return the works to measure, each with an event loop."""
    present = [name for name, version in loops.items() if version != _MISSING]
    thorough = options.preset == "full" or options.loop is not None
    return [
        (work, loop)
        for loop in present
        for work in chosen
        if thorough or loop == present[0] or work.kind not in _ON_ONE_LOOP
    ]


def _plan(options: Options, cases: Sequence[tuple[Work, str]], here: Sequence[Contender]) -> Plan:
    rounds, seconds, paced_seconds = _TURNS[options.preset]
    return Plan(cases, here, options.rounds or rounds, seconds, paced_seconds)


def _tell_missing(wanted: Sequence[Contender], loops: dict[str, str]) -> None:
    lacks = {lack: None for contender in wanted if (lack := contender.missing())}
    lacks |= {f"{name} is not installed": None for name in loops if loops[name] == _MISSING}
    for lack in lacks:
        note(f"left out: {lack}")
    if any(lack.endswith("installed") for lack in lacks):
        note(f"{INSTALL} brings all of them")


def _write(told: dict[str, Any], cases: Sequence[Case], directory: Path) -> None:
    """Print the report, and write all files."""
    report = whole(told, cases)
    say(f"\n{report}")
    directory.mkdir(parents=True, exist_ok=True)
    directory.joinpath("report.md").write_text(report, encoding="utf-8")
    content = {**told, "cases": [json_file.case_json(case) for case in cases]}
    directory.joinpath("results.json").write_text(
        json.dumps(content, indent=1) + "\n", encoding="utf-8"
    )
    written = ["report.md", "results.json"]
    if importlib.util.find_spec("matplotlib") is None:
        note(f"no charts: matplotlib is not installed; {INSTALL}")
    else:
        from .report import charts  # noqa: PLC0415

        written += charts.draw(cases, directory)
    say(f"written to {directory}: {', '.join(written)}")
