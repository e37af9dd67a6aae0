"""The timers of an open connection, on which its end may depend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

# A call that has failed for want of memory is repeated after this time.
REPEAT_SECONDS: Final = 0.1


class Timer:
    """Makes one call at a later time.

    A call that sets the timer again and finds no memory for it would be the last. So one that
    raises `MemoryError` is repeated, unless it has set or cancelled the timer before.
    """

    __slots__ = ("_handle", "_loop", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        # The time of the call; the object, by which a call that was replaced is told apart.
        self._when: float | None = None

    def after(self, seconds: float, call: Callable[..., object], *arguments: Any) -> None:
        """Call in `seconds`; see `at`."""
        self.at(self._loop.time() + seconds, call, *arguments)

    def at(self, when: float, call: Callable[..., object], *arguments: Any) -> None:
        """Call at `when`, by the clock of the loop, instead of what was to be called before.

        Raises:
            MemoryError: nothing has changed.
        """
        handle = self._loop.call_at(when, self._run, when, call, arguments)
        self._drop()
        self._handle = handle
        self._when = when

    def cancel(self) -> None:
        """Make no call."""
        self._when = None
        self._drop()

    def _drop(self) -> None:
        handle = self._handle
        self._handle = None
        if handle is not None:
            try:
                handle.cancel()
            except MemoryError:
                # It comes in vain.
                return

    def _run(self, when: float, call: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        if when is not self._when:
            return
        self._handle = None
        try:
            call(*arguments)
        except MemoryError:
            if when is self._when:
                self.after(REPEAT_SECONDS, call, *arguments)
            raise
