"""The time limit of closing. A peer that goes on taking what was sent before gets more time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .departure import DEPARTURE_LOOKS, Departure
from .timer import Timer

if TYPE_CHECKING:
    from .._channel import Channel

# A peer that takes less than this on average cannot extend the limit. Else it could take a byte now
# and then, and closing would last as long as it likes.
MIN_BYTES_PER_SECOND: Final = 1024


class Deadline:
    """Calls `expire` when closing has taken `seconds`.

    The time starts anew at each look that finds data leaving, eight times per `seconds`.
    """

    __slots__ = ("__weakref__", "_channel", "_departure", "_expire", "_looks", "_seconds", "_timer")

    def __init__(self, channel: Channel, seconds: float, expire: Callable[[], None]) -> None:
        self._channel = channel
        self._seconds = seconds
        self._expire = expire
        self._departure = Departure(channel)
        # How many looks in a row have found that too little has left.
        self._looks = 0
        self._timer = Timer(channel._loop, self)
        if self._departure.is_over():
            self._timer.after(seconds, Deadline._end)
        else:
            self._timer.after(seconds / DEPARTURE_LOOKS, Deadline._look)

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _look(self) -> None:
        pause = self._seconds / DEPARTURE_LOOKS
        moved = self._departure.look()
        self._looks += 1
        if self._departure.is_over():
            # The last data has left since the look before this one.
            self._timer.after(self._seconds - pause, Deadline._end)
            return
        if moved and moved >= MIN_BYTES_PER_SECOND * pause:
            self._looks = 0
        if self._looks < DEPARTURE_LOOKS:
            self._timer.after(pause, Deadline._look)
        else:
            self._expire()

    def _end(self) -> None:
        self._expire()
