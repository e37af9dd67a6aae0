"""The deadlines of the receives of one connection, with one timer for all of them.

Does not decide what a receive does when its time is over.
"""

from __future__ import annotations

import asyncio

from ..._timers import Call, call_at
from ..waiter import Waiter


class Deadlines:
    """Wakes the waiters whose time is over.

    The timer stays set when a receive gets its message. A timer for each receive would cost more
    than the receive itself: asyncio sorts timers, and keeps those that were cancelled for a while.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # In the order in which they came, with the time of the loop's clock.
        self._deadlines: dict[Waiter, float] = {}
        self._timer: Call | None = None
        # When the timer calls.
        self._next = 0.0

    def add(self, waiter: Waiter, deadline: float) -> None:
        """Wake `waiter` at `deadline`, unless it is discarded before."""
        if self._timer is None or deadline < self._next:
            self._set_timer(deadline)
        self._deadlines[waiter] = deadline

    def discard(self, waiter: Waiter) -> None:
        """Do not wake a waiter any more; does nothing if it is not here. Cannot fail."""
        self._deadlines.pop(waiter, None)

    def stop(self) -> None:
        """Cancel the timer: nobody waits any more."""
        timer = self._timer
        self._timer = None
        if timer is not None:
            timer.cancel()

    def _set_timer(self, when: float) -> None:
        timer = call_at(self._loop, when, self, Deadlines._expire)
        self.stop()
        self._timer = timer
        self._next = when

    def _expire(self) -> None:
        self._timer = None
        try:
            # A coarse clock may call a little early.
            now = max(self._loop.time(), self._next)
            due = [waiter for waiter, deadline in self._deadlines.items() if deadline <= now]
            due.sort(key=self._deadlines.__getitem__)
            for waiter in due:
                waiter.expire()
                self.discard(waiter)
        finally:
            # Without memory, some that are due are left, and are woken then.
            self._watch_the_first()

    def _watch_the_first(self) -> None:
        if self._deadlines:
            first = min(self._deadlines.values())
            if self._timer is None or first < self._next:
                self._set_timer(first)
