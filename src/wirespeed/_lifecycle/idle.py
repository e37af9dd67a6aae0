"""Fails a connection on which no message arrives. A Ping or Pong is not a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._base.close_info import CloseCause
from .keep_alive import LAST_LOOK_SECONDS, GiveUp
from .timer import Timer

if TYPE_CHECKING:
    from .._channel import Channel

# Looking at a counter now and then costs less than noting the time of each message. So silence is
# measured in this many parts of its time.
LOOKS = 8


class Silence:
    """Counts for how many looks in a row no message has arrived on a channel."""

    __slots__ = ("_channel", "_received", "looks")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._received = channel._heard()
        self.looks = 0

    def look(self, count: int = 1) -> int:
        """Add `count` looks if no message came since the last look and reading is not paused.

        Returns:
            The looks since the last message.
        """
        channel = self._channel
        if channel._heard() != self._received:
            self._received = channel._heard()
            self.looks = 0
        elif not channel._read_flow.is_paused():
            self.looks += count
        return self.looks


class IdleWatch:
    """Fails a connection on which no message arrives for `timeout` seconds.

    It notices silence up to an eighth of this time late. The clock stops while reading is paused.
    """

    __slots__ = ("__weakref__", "_channel", "_give_up", "_silence", "_timeout", "_timer")

    def __init__(self, channel: Channel, give_up: GiveUp, timeout: float) -> None:
        self._channel = channel
        self._give_up = give_up
        self._timeout = timeout
        self._silence = Silence(channel)
        self._timer = Timer(channel._loop, self)
        self._after(timeout / LOOKS, IdleWatch._look)

    def stop(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _after(self, seconds: float, step: Callable[[IdleWatch], None]) -> None:
        self._timer.after(seconds, step)

    def _look(self) -> None:
        # First what can fail: a look that is repeated counts twice.
        self._after(self._timeout / LOOKS, IdleWatch._look)
        if self._silence.look() >= LOOKS:
            self._after(LAST_LOOK_SECONDS, IdleWatch._end)

    def _end(self) -> None:
        if self._silence.look(0) < LOOKS:
            self._look()
            return
        reason = f"no message within idle_timeout ({self._timeout:g} seconds)"
        self._give_up(CloseCause.IDLE_TIMEOUT, reason)
