"""Measured round trips and their moving average."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Latency"]

# The weight of a new round trip: that of TCP (RFC 6298 section 2).
_GAIN = 1 / 8


class Latency(NamedTuple):
    """Round trips of Pings, in seconds.

    Attributes:
        last: the last round trip.
        smoothed: the moving average: a new round trip counts an eighth (RFC 6298 section 2).
    """

    last: float
    smoothed: float


def measured(before: Latency | None, seconds: float) -> Latency:
    """Return the latency after one more round trip.

    Args:
        before: the latency so far; `None` before the first round trip.
        seconds: the new round trip.
    """
    if before is None:
        return Latency(seconds, seconds)
    return Latency(seconds, before.smoothed + (seconds - before.smoothed) * _GAIN)
