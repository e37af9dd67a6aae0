"""Decides after each failure whether to connect again, and how long to wait first.

Reads no clock: the caller passes the time.
"""

from __future__ import annotations

import math
from random import uniform
from typing import NamedTuple

from .reconnect import Reconnect


class Verdict(NamedTuple):
    """What to do after a failure.

    Attributes:
        delay: the seconds to wait before the next attempt.
        objection: why there is no next attempt; empty if there is one.
    """

    delay: float
    objection: str = ""


class Backoff:
    """Decides after each failure; one instance serves a whole series of connections.

    A pause is drawn below two bounds. The ceiling grows with each pause, so that a server that is
    overloaded gets its rest. The outage so far keeps a client whose first draws were all short from
    drawing a minute after an outage of seconds.
    """

    def __init__(self, policy: Reconnect, now: float) -> None:
        self._policy = policy
        self.begin(now)

    def begin(self, now: float) -> None:
        """Start anew: the outage, if there is one, begins now."""
        self._ceiling = self._policy.initial
        self._began = now

    def connection_ended(self, lifetime: float, now: float) -> None:
        """Start anew if the last connection lasted for at least `reset_after` seconds.

        Shorter connections are part of the outage. If each of them began a new one, a server that
        accepts and closes at once would be asked every half second.
        """
        if lifetime >= self._policy.reset_after:
            self.begin(now)

    def next_delay(self, now: float) -> float:
        """Draw the seconds to wait before the next attempt, and raise the ceiling."""
        # `initial` is added to the outage. With the longer of the two, one second saw more than
        # half of 800 clients after an outage of 4 seconds; with the sum, it sees 44 %.
        highest = min(self._ceiling, self._policy.initial + (now - self._began))
        delay = uniform(0, highest)  # noqa: S311 - it protects no secret
        self._ceiling = min(self._ceiling * self._policy.factor, self._policy.maximum)
        return delay

    def judge(self, failure: Exception, elapsed: float, now: float) -> Verdict:
        """Decide what to do after `failure`; there has been no connection for `elapsed` seconds."""
        policy = self._policy
        if not policy.should_retry(failure):
            return Verdict(0, "this error is not worth a retry (should_retry)")
        delay = self.next_delay(now)
        left = math.inf if policy.give_up_after is None else policy.give_up_after - elapsed
        pause = getattr(failure, "retry_after", None) or 0.0
        if pause > policy.max_retry_after:
            return Verdict(
                0,
                f"the server asks to wait for {pause:g} seconds,"
                f" limit is {policy.max_retry_after:g} (max_retry_after)",
            )
        if left <= 0 or pause > left:
            return Verdict(
                0, f"limit is {policy.give_up_after:g} seconds without a connection (give_up_after)"
            )
        # The last attempt starts at the limit, even if the drawn time is longer.
        return Verdict(min(pause + delay, left))
