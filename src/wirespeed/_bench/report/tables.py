"""Makes the tables of the report, and the text about progress.

The tables are Markdown, aligned so that they are readable on a terminal, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..contenders import OURS, is_peer
from ..figures import Case, Summary

# Below this ratio a peer costs less than wirespeed, also after rounding to two decimals.
_AHEAD: Final = 0.995


def number(value: float) -> str:
    """Return a figure with about three significant digits."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def ratio_text(name: str, ratio: float | None) -> str:
    """Return the ratio of `name` to wirespeed as text; mark a peer that is ahead of wirespeed."""
    if ratio is None:
        return "-"
    ahead = " AHEAD" if ratio < _AHEAD and is_peer(name) else ""
    return f"{ratio:.2f} x{ahead}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a Markdown table.

    Args:
        head: the titles of the columns.
        rows: the cells.
        left: how many of the first columns are aligned left; the others are aligned right.
    """
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = [
        "-" * width if column < left else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    lines = [
        " | ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, rule, *rows]
    ]
    return "\n".join(f"| {line} |" for line in lines)


def case_table(case: Case) -> str:
    """Return the table of one case, and the errors of the contenders that failed."""
    head, columns = _columns(case)
    rows = [[name, *columns(name, found)] for name, found in case.summaries().items()]
    rows += [[name, "FAILED", *[""] * (len(head) - 2)] for name in case.errors]
    told = [f"\n{name} FAILED: {' '.join(text.split())}" for name, text in case.errors.items()]
    return "\n".join([markdown(head, rows), *told])


def _columns(case: Case) -> tuple[list[str], Any]:
    unit = case.work.unit
    if case.work.kind == "memory":

        def memory(name: str, found: Summary) -> list[str]:
            return [number(found.median), ratio_text(name, found.ratio)]

        return ["", unit, "against wirespeed"], memory
    if case.work.kind == "paced":
        ours = case.summaries().get(OURS)

        def paced(name: str, found: Summary) -> list[str]:
            p99 = None if ours is None else found.latency["p99"] / ours.latency["p99"]
            return [
                number(found.median),
                ratio_text(name, found.ratio),
                *(number(found.latency[point]) for point in ("p50", "p99", "p99.9")),
                ratio_text(name, p99),
                number(found.server_late["p99"]),
            ]

        return [
            "",
            unit,
            "against wirespeed",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "p99 against wirespeed",
            "server late p99 us",
        ], paced

    def flat_out(name: str, found: Summary) -> list[str]:
        return [
            number(found.median),
            f"{number(found.quartiles[0])} to {number(found.quartiles[1])}",
            f"{number(found.extremes[0])} to {number(found.extremes[1])}",
            "-" if found.per_second is None else f"{found.per_second:,.0f}",
            ratio_text(name, found.ratio),
        ]

    counted = "connections" if case.work.kind == "handshake" else "messages"
    return ["", unit, "middle half", "all rounds", f"{counted} a second", "against wirespeed"], (
        flat_out
    )


def headline_table(cases: Sequence[Case]) -> str:
    """Return a table with a line for each case: wirespeed's figure and the best of the others."""
    rows = []
    for case in cases:
        found = case.summaries()
        ours = found.get(OURS)
        others = {name: summary for name, summary in found.items() if is_peer(name)}
        best = next(iter(others), None)
        rows.append(
            [
                case.title,
                "failed" if ours is None else number(ours.median),
                "-" if best is None else best,
                "-" if best is None else number(others[best].median),
                "-" if best is None else ratio_text(best, others[best].ratio),
                case.work.unit,
            ]
        )
    head = ["", OURS, "best of the others", "", "against wirespeed", "unit"]
    return markdown(head, rows)


def progress_text(case: Case) -> str:
    """Return a line about a case that is done."""
    parts = [f"{name} {number(found.median)}" for name, found in case.summaries().items()]
    parts += [f"{name} FAILED" for name in case.errors]
    return f"{case.title} ({case.work.unit}): {', '.join(parts)}"


def whole(results: Mapping[str, Any], cases: Sequence[Case]) -> str:
    """Return the whole report: the surroundings, a summary, then a table for each case."""
    machine, settings = results["machine"], results["settings"]
    where = (
        f"wirespeed {results['wirespeed']} on {machine['python']}, {machine['cpu']},"
        f" {machine['cores']} cores, {machine['system']}, {results['date']}{_load_text(machine)}"
    )
    how = (
        f"{settings['rounds']} rounds of about {settings['seconds']:g} s each, paced feeds"
        f" {settings['paced_seconds']:g} s; {_cores_text(settings)}. Less is better everywhere;"
        " `2.00 x` costs twice what wirespeed costs in the same run, and whoever costs less than"
        " wirespeed is marked AHEAD."
    )
    lines = [where, "", how, "", _who_table(results["contenders"])]
    if cases:
        lines += ["", "## At a glance", "", headline_table(cases)]
    for case in cases:
        lines += ["", f"## {case.title}", "", case_table(case)]
    return "\n".join(lines) + "\n"


def _load_text(machine: Mapping[str, Any]) -> str:
    """Return the load before the run: if it was high, a reader should not trust the figures."""
    load = machine["load_before"]
    return "" if load is None else f", load average before {load[0]:.2f}"


def _cores_text(settings: Mapping[str, Any]) -> str:
    if settings["client_core"] is None:
        return "no process was pinned to a core"
    return f"clients on core {settings['client_core']}, server on core {settings['server_core']}"


def _who_table(contenders: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, about in contenders.items():
        if "missing" in about:
            rows.append([name, "not installed", "", about["missing"]])
        else:
            versions = ", ".join(
                f"{package} {version}" for package, version in about.get("versions", {}).items()
            )
            rows.append([name, versions, about.get("receives", ""), about.get("settings", "")])
    return markdown(["", "versions", "receives with", "settings"], rows, left=4)
