"""How long answers take.

Knows nothing of what asks or answers.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Latency"]

# The weight of a new round trip, as TCP smooths its own (RFC 6298 section 2).
_GAIN = 1 / 8


class Latency(NamedTuple):
    """Round trips of Pings, in seconds.

    Attributes:
        last: the last one.
        smoothed: the moving average; each counts an eighth (RFC 6298 section 2).
    """

    last: float
    smoothed: float


def measured(before: Latency | None, seconds: float) -> Latency:
    """Add a round trip to those before."""
    if before is None:
        return Latency(seconds, seconds)
    return Latency(seconds, before.smoothed + (seconds - before.smoothed) * _GAIN)
