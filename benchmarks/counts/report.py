"""Prints the counts as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .figures import Change, Figures


def comparison(changes: Sequence[Change]) -> str:
    """Make a table of each count beside its figure."""
    rows = [["work", "counted a message", "figure", "now", "change", ""]]
    for change in changes:
        figure = "none" if change.before is None else number(change.before)
        mark = "GROWN" if change.is_growth else ""
        rows.append([change.work, change.event, figure, number(change.now), percents(change), mark])
    return table(rows, left=2)


def peers(ours: Figures, others: Mapping[str, Figures], event: str) -> str:
    """Make a table of one event, with the other clients as multiples of ours."""
    rows = [[f"{event} a message", "wirespeed", *others]]
    for work, counts in ours.items():
        row = [work, number(counts[event])]
        for figures in others.values():
            count = figures[work][event] if work in figures else None
            row.append("" if count is None else f"{number(count)} ({count / counts[event]:.2f} x)")
        rows.append(row)
    return table(rows, left=1)


def percents(change: Change) -> str:
    """Tell by how much a count has changed."""
    if not change.before:
        return ""
    return f"{(change.now / change.before - 1) * 100:+.1f} %"


def number(count: float) -> str:
    """Write a count."""
    return f"{count:,.1f}"


def table(rows: Sequence[Sequence[str]], left: int) -> str:
    """Align columns, the first few to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
