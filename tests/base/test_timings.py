"""The clock of an opening: phases end where the next begins, and add up.

The test supplies the clock, so no real time is measured.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import wirespeed._base.timings
from wirespeed import Timings
from wirespeed._base.timings import Phases


@pytest.fixture
def phases(monkeypatch: pytest.MonkeyPatch) -> Phases:
    """Make phases with a clock whose readings are the powers of two."""
    clock: Iterator[float] = (2.0**number for number in range(100))
    monkeypatch.setattr(wirespeed._base.timings, "perf_counter", lambda: next(clock))
    return Phases()


def test_nothing_happened(phases: Phases) -> None:
    assert phases.current is None
    assert phases.timings() == Timings()
    assert phases.timings().total == 0


def test_each_phase_ends_where_the_next_begins(phases: Phases) -> None:
    phases.enter("dns")
    phases.enter("tcp")
    assert phases.current == "tcp"
    assert phases.timings() == Timings(dns=1)
    phases.enter("upgrade")
    phases.finish()
    assert phases.timings() == Timings(dns=1, tcp=2, upgrade=4)
    assert phases.timings().total == 7


def test_a_phase_that_comes_again_goes_on(phases: Phases) -> None:
    phases.enter("tcp")
    phases.enter("upgrade")
    phases.enter("tcp")
    phases.enter("upgrade")
    phases.finish()
    assert phases.timings() == Timings(tcp=5, upgrade=10)
    assert phases.current == "upgrade"
