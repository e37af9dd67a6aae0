"""The phases that an opening goes through, and how long each of them took.

Knows nothing of what happens in them. Public name: `Timings`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

__all__ = ["Phase", "Phases", "Timings"]

Phase: TypeAlias = Literal["dns", "tcp", "proxy", "tls", "upgrade"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long each phase of an opening took, in seconds; `None` for one that did not happen.

    Attributes:
        dns: looking up the host's addresses; an IP address needs none.
        tcp: connecting the socket, to a unix socket too; over all addresses that were tried.
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
        """All of it, in seconds."""
        phases = (self.dns, self.tcp, self.proxy, self.tls, self.upgrade)
        return math.fsum(seconds for seconds in phases if seconds is not None)


class Phases:
    """The clock of one opening; each phase ends where the next begins.

    Attributes:
        current: the phase that time runs in; the last one, once `finish` was called.
    """

    __slots__ = ("_seconds", "_since", "current")

    def __init__(self) -> None:
        self.current: Phase | None = None
        self._since = 0.0
        self._seconds: dict[Phase, float] = {}

    def enter(self, phase: Phase) -> None:
        """Begin a phase; one that comes again, as after a redirect, goes on."""
        self.finish()
        self.current = phase

    def finish(self) -> None:
        """End the current phase."""
        now = perf_counter()
        if self.current is not None:
            self._seconds[self.current] = self._seconds.get(self.current, 0.0) + now - self._since
        self._since = now

    def timings(self) -> Timings:
        """Tell how long each phase took that has ended."""
        return Timings(**self._seconds)
