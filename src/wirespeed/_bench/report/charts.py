"""Draws the charts, as small panels in SVG and PNG files.

This is the only module that imports matplotlib.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from ..contenders import OURS, is_ours
from ..figures import Case
from ..works import HEADLINE, size_text
from .tables import number

_COLUMNS: Final = 3
_PANEL_INCHES: Final = (4.6, 2.5)
_MOST_PANELS: Final = 15
_TITLE_CHARACTERS: Final = 36
# A bar this many times as long as wirespeed's is cut: it would make all others too short to see.
_CUT: Final = 12.0
_OUR_COLOURS: Final = {
    "wirespeed": "#0b7a75",
    "wirespeed batches": "#4db6ac",
    "wirespeed batch_window": "#80cbc4",
    "wirespeed pure Python": "#b2dfdb",
}
_OTHER_COLOUR: Final = "#b0b4ba"
_LINE_COLOURS: Final = {
    "picows callbacks": "#d1495b",
    "picows.websockets": "#edae49",
    "websockets": "#5f6caf",
    "aiohttp": "#8d6e63",
    "aiosonic": "#9e9e9e",
}
_STYLE: Final = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    # Keep text as text: the file has a third of the size, and the text can be found and copied.
    "svg.fonttype": "none",
    "svg.hashsalt": "wirespeed",
}
_MOVING: Final = frozenset({"receive", "send", "echo", "pipeline"})


def draw(cases: Sequence[Case], directory: Path) -> list[str]:
    """Draw all charts that have figures; return the names of the files."""
    written: list[str] = []
    with mpl.rc_context(_STYLE):
        for loop in dict.fromkeys(case.loop for case in cases):
            here = [case for case in cases if case.loop == loop and case.summaries()]
            for name, title, chosen, panel in _charts(here, loop):
                if chosen:
                    figure = _grid(title, chosen, panel)
                    written += _save(figure, directory, f"{name}-{loop}")
            if lines := _by_size(here):
                figure = _grid(_title("processor time by size", loop), lines, _size_panel)
                written += _save(figure, directory, f"sizes-{loop}")
    return written


def _title(what: str, loop: str) -> str:
    return f"wirespeed and others: {what} ({loop}); less is better"


def _charts(
    cases: Sequence[Case], loop: str
) -> list[tuple[str, str, list[Case], Callable[[Any, Case], None]]]:
    moving = [case for case in cases if case.work.kind in _MOVING]
    headline = [case for case in moving if case.work.key in HEADLINE]
    return [
        (
            "messages",
            _title("processor time a message in microseconds, hatched bars are cut", loop),
            (headline or moving)[:_MOST_PANELS],
            _bars_panel,
        ),
        (
            "connections",
            _title("opening handshakes and idle connections", loop),
            [case for case in cases if case.work.kind in ("handshake", "memory")],
            _bars_panel,
        ),
        (
            "feeds",
            _title("processor time of a paced feed, in microseconds a message", loop),
            [case for case in cases if case.work.kind == "paced"],
            _bars_panel,
        ),
        (
            "latency",
            _title("latency of a paced feed: median, p99 and p99.9", loop),
            [case for case in cases if case.work.kind == "paced"],
            _latency_panel,
        ),
    ]


def _grid(title: str, items: Sequence[Any], panel: Callable[[Any, Any], None]) -> Figure:
    """Return a figure with a panel for each of `items`."""
    columns = min(_COLUMNS, len(items))
    rows = math.ceil(len(items) / columns)
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(max(columns, 2) * width, rows * height + 0.5), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for place, item in zip(axes, items, strict=False):
        panel(place, item)
    for place in axes[len(items) :]:
        place.set_axis_off()
    return figure


def _save(figure: Figure, directory: Path, name: str) -> list[str]:
    files = [f"{name}.svg", f"{name}.png"]
    # Without a date, the same figures make the same file.
    figure.savefig(directory / files[0], metadata={"Date": None})
    figure.savefig(directory / files[1], dpi=110)
    return files


def _colour(name: str) -> str:
    return _OUR_COLOURS.get(name, _OTHER_COLOUR)


def _bars_panel(place: Any, case: Case) -> None:
    """Draw sorted bars, the least at the top; one that is far too long is cut and says so."""
    found = case.summaries()
    ours = found[OURS].median if OURS in found else min(item.median for item in found.values())
    shown = [item.median for item in found.values() if item.median <= ours * _CUT]
    limit = max(shown or [ours]) * 1.08
    for row, (name, item) in enumerate(found.items()):
        is_cut = item.median > limit
        place.barh(
            row,
            min(item.median, limit),
            color=_colour(name),
            height=0.72,
            hatch="///" if is_cut else None,
            edgecolor="white" if is_cut else None,
        )
        if not is_cut:
            low, high = item.quartiles
            place.plot((low, min(high, limit)), (row, row), color="#333333", linewidth=1)
        times = f"  ({item.ratio:.1f} x)" if item.ratio is not None and name != OURS else ""
        place.text(
            min(max(item.median, item.quartiles[1]), limit) + limit * 0.02,
            row,
            f"{number(item.median)}{times}",
            va="center",
            fontsize=8,
            weight="bold" if is_ours(name) else "normal",
        )
    place.set_yticks(range(len(found)), list(found))
    _emphasize(place)
    place.invert_yaxis()
    place.set_xlim(0, limit * 1.35)
    place.set_xticks([])
    place.spines["bottom"].set_visible(False)
    place.tick_params(left=False)
    unit = {"handshake": " [CPU us]", "memory": " [KiB each]"}.get(case.work.kind, "")
    place.set_title(textwrap.fill(case.work.title + unit, _TITLE_CHARACTERS))


def _latency_panel(place: Any, case: Case) -> None:
    """Draw a line through the median, p99 and p99.9; the lowest p99 is at the top."""
    found = dict(sorted(case.summaries().items(), key=lambda item: item[1].latency["p99"]))
    for row, (name, item) in enumerate(found.items()):
        points = [item.latency[point] for point in ("p50", "p99", "p99.9")]
        colour = _OUR_COLOURS.get(name, "#70757d")
        place.plot(points, [row] * 3, color=colour, linewidth=2, alpha=0.6)
        place.scatter(points, [row] * 3, color=colour, s=[36, 22, 10], zorder=3)
        place.annotate(
            f"{number(points[0])} / {number(points[1])} us",
            (points[-1], row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    place.set_xscale("log")
    low, high = place.get_xlim()
    place.set_xlim(low, high * (high / low) ** 0.45)
    place.set_yticks(range(len(found)), list(found))
    _emphasize(place)
    place.invert_yaxis()
    place.set_xlabel("microseconds, logarithmic", fontsize=8)
    place.set_title(f"{case.work.rate:,} messages a second")


def _emphasize(place: Any) -> None:
    for label in place.get_yticklabels():
        label.set_fontweight("bold" if is_ours(label.get_text()) else "normal")


def _by_size(cases: Sequence[Case]) -> list[list[Case]]:
    """Group the cases that differ only in size; keep groups of four or more."""
    groups: dict[tuple[str, str, bool], list[Case]] = {}
    for case in cases:
        work = case.work
        if work.kind in _MOVING:
            groups.setdefault((work.kind, work.payload, work.tls), []).append(case)
    return [
        sorted(group, key=lambda case: case.work.size)
        for group in groups.values()
        if len(group) > 3
    ]


def _size_panel(place: Any, group: Sequence[Case]) -> None:
    """Draw the cost of each contender over the sizes; both axes are logarithmic."""
    names = dict.fromkeys(name for case in group for name in case.summaries())
    for name in names:
        points = [
            (case.work.size, case.summaries()[name].median)
            for case in group
            if name in case.summaries()
        ]
        place.plot(
            *zip(*points, strict=True),
            color=_OUR_COLOURS.get(name) or _LINE_COLOURS.get(name, _OTHER_COLOUR),
            linewidth=2.4 if is_ours(name) else 1.2,
            marker="o",
            markersize=3,
            label=name,
        )
    place.set_xscale("log")
    place.set_yscale("log")
    sizes = [case.work.size for case in group]
    place.set_xticks(sizes, [size_text(size) for size in sizes], fontsize=7)
    place.minorticks_off()
    place.legend(fontsize=6, frameon=False)
    work = group[0].work
    tls = ", TLS" if work.tls else ""
    place.set_title(f"{work.kind} {work.payload}{tls} [{work.unit}]")
