"""The heartbeat of `aiohttp`: a Ping after a silence of the server, not at regular times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic

from ..._lifecycle.keep_alive import KeepAlive


class Heartbeat(KeepAlive):
    """Sends a Ping only when the server has sent nothing for `interval` seconds.

    Each byte counts, those of an unfinished frame too.
    """

    __slots__ = ("_begun_at",)

    def start(self, interval: float) -> None:
        """Send a Ping after each silence of `interval` seconds from now on."""
        self._begun_at = monotonic()
        super().start(interval)

    def _ask(self) -> None:
        heard_at = max(self._channel._read_flow._arrived_at, self._begun_at)
        left = self._interval - (monotonic() - heard_at)
        if left > 0:
            self._asked_at = self._channel._loop.time()
            self._at(left, KeepAlive._ask)
            return
        super()._ask()

    def _at(self, delay: float, step: Callable[[KeepAlive], None]) -> None:
        # `step` is a function of the base class, which this class may have replaced.
        super()._at(delay, _STEPS.get(step, step))


def _ask(keep_alive: KeepAlive) -> None:
    keep_alive._ask()


_STEPS: Mapping[Callable[[KeepAlive], None], Callable[[KeepAlive], None]] = {KeepAlive._ask: _ask}
