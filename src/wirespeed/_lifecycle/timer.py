"""The timers of an open connection, on which its end may depend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar
from weakref import ref

from .._timers import Call, call_at

# A call that has failed for want of memory is repeated after this time.
REPEAT_SECONDS: Final = 0.1

T = TypeVar("T")


class Timer(Generic[T]):
    """Makes one call at a later time, if its owner still exists then.

    A call that sets the timer again and finds no memory for it would be the last. So one that
    raises `MemoryError` is repeated, unless it has set or cancelled the timer before.
    """

    __slots__ = ("__weakref__", "_call", "_loop", "_owner", "_step")

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: T) -> None:
        self._loop = loop
        self._owner = ref(owner)
        self._call: Call | None = None
        self._step: Callable[[T], None] | None = None

    def after(self, seconds: float, step: Callable[[T], None]) -> None:
        """Call in `seconds`; see `at`."""
        self.at(self._loop.time() + seconds, step)

    def at(self, when: float, step: Callable[[T], None]) -> None:
        """Call `step(owner)` at `when`, by the clock of the loop, instead of an earlier `step`.

        Raises:
            MemoryError: nothing has changed.
        """
        call = call_at(self._loop, when, self, Timer._make)
        self._drop()
        self._call = call
        self._step = step

    def cancel(self) -> None:
        """Make no call."""
        self._step = None
        self._drop()

    def _drop(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            try:
                call.cancel()
            except MemoryError:
                # It comes in vain.
                return

    def _make(self) -> None:
        owner, step = self._owner(), self._step
        self._call = None
        if owner is None or step is None:
            return
        try:
            step(owner)
        except MemoryError:
            if self._call is None and self._step is step:
                self.after(REPEAT_SECONDS, step)
            raise
