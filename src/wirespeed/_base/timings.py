"""The phases of opening a connection, and how long each took. Public name: `Timings`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

__all__ = ["Phase", "Phases", "Timings"]

Phase: TypeAlias = Literal["dns", "tcp", "proxy", "tls", "upgrade"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long each phase of an opening took, in seconds; `None` if it did not happen.

    Attributes:
        dns: looking up the host's addresses; an IP address needs no lookup.
        tcp: connecting the socket, a unix socket too; the sum over all addresses tried.
        proxy: asking the proxy to connect to the host.
        tls: the TLS handshake.
        upgrade: the opening handshake (RFC 6455 section 4.1).
    """

    dns: float | None = None
    tcp: float | None = None
    proxy: float | None = None
    tls: float | None = None
    upgrade: float | None = None

    @property
    def total(self) -> float:
        """The sum of the phases, in seconds."""
        phases = (self.dns, self.tcp, self.proxy, self.tls, self.upgrade)
        return math.fsum(seconds for seconds in phases if seconds is not None)


class Phases:
    """The clock of one opening; each phase ends when the next begins.

    Attributes:
        current: the phase that is being timed; after `finish`, the last one; `None` before the
            first.
    """

    __slots__ = ("_seconds", "_since", "current")

    def __init__(self) -> None:
        self.current: Phase | None = None
        self._since = 0.0
        self._seconds: dict[Phase, float] = {}

    def enter(self, phase: Phase) -> None:
        """Begin a phase. Repeated phases, as after a redirect, are added up."""
        self.finish()
        self.current = phase

    def finish(self) -> None:
        """End the current phase."""
        now = perf_counter()
        if self.current is not None:
            self._seconds[self.current] = self._seconds.get(self.current, 0.0) + now - self._since
        self._since = now

    def timings(self) -> Timings:
        """Return how long each ended phase took."""
        return Timings(**self._seconds)
