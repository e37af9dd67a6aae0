"""Computes the figures from the rounds: medians, their spread, and ratios to wirespeed's."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .contenders import OURS
from .works import KIB, Work

Round = Mapping[str, Any]
PERCENTILES: Final = ("p50", "p99", "p99.9", "max")


@dataclass
class Case:
    """One work on one event loop.

    Attributes:
        work: the work.
        loop: the name of the event loop.
        rounds: the measured figures by contender, one item for each round.
        errors: the error texts of the contenders that could not finish.
    """

    work: Work
    loop: str
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The title in the report."""
        return f"{self.work.title}, {self.loop}"

    def summaries(self) -> dict[str, Summary]:
        """Summarize the rounds of all contenders that finished, lowest cost first."""
        base = None if OURS in self.errors else self.rounds.get(OURS)
        found = {
            name: summary(self.work, rounds, base)
            for name, rounds in self.rounds.items()
            if rounds and name not in self.errors
        }
        return dict(sorted(found.items(), key=lambda item: item[1].median))


@dataclass(frozen=True)
class Summary:
    """The rounds of one contender.

    Attributes:
        median: the median of the main figure, in the unit of the work.
        quartiles: the first and the third quartile; the middle half of the rounds lies between.
        extremes: the lowest and the highest value.
        per_second: messages or connections in a second of wall time; `None` for memory and for a
            paced feed, where it has no meaning.
        ratio: the main figure divided by wirespeed's, as the median of the rounds' ratios; `None`
            without wirespeed's rounds.
        latency: percentiles in microseconds, medians of the rounds; empty without a paced feed.
        server_late: the same percentiles of how late the server sent, which is part of the latency.
    """

    median: float
    quartiles: tuple[float, float]
    extremes: tuple[float, float]
    per_second: float | None
    ratio: float | None
    latency: dict[str, float]
    server_late: dict[str, float]


def cost(work: Work, figures: Round) -> float:
    """Return the main figure of one round, in the unit of the work."""
    if work.kind == "memory":
        return float(figures["bytes"]) / KIB / int(figures["count"])
    return float(figures["cpu"]) * 1e6 / int(figures["count"])


def summary(work: Work, rounds: Sequence[Round], base: Sequence[Round] | None) -> Summary:
    """Summarize rounds, and compare each with wirespeed's round of the same number."""
    costs = [cost(work, figures) for figures in rounds]
    per_second = ratio = None
    if work.kind not in ("memory", "paced"):
        per_second = statistics.median(figures["count"] / figures["wall"] for figures in rounds)
    if base:
        # Rounds of the same number were measured one after the other.
        ours = [cost(work, figures) for figures in base]
        ratio = statistics.median(mine / our for mine, our in zip(costs, ours, strict=False))
    return Summary(
        median=statistics.median(costs),
        quartiles=quartiles(costs),
        extremes=(min(costs), max(costs)),
        per_second=per_second,
        ratio=ratio,
        latency=_medians(rounds, "latency"),
        server_late=_medians(rounds, "server_late"),
    )


def _medians(rounds: Sequence[Round], name: str) -> dict[str, float]:
    """Return the median of each percentile of the figure `name`; empty if it was not measured."""
    if name not in rounds[0]:
        return {}
    return {
        point: statistics.median(figures[name][point] for figures in rounds)
        for point in PERCENTILES
    }


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the first and the third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third
