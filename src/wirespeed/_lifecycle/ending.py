"""The end of a transport, and the tasks that wait for it."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._channel import Channel


class Ending:
    """Lets any number of tasks wait for the end.

    They do not wait for a future: one that has no memory to schedule its callbacks forgets them,
    and its tasks would wait for ever.
    """

    __slots__ = ("_future", "_has_come", "_is_held", "_waiters")

    def __init__(self) -> None:
        self._has_come = False
        self._is_held = False
        self._waiters: list[Any] = []
        # Created when it is first asked for.
        self._future: asyncio.Future[None] | None = None

    @types.coroutine
    def wait(self, channel: Channel) -> Generator[Any, Any, None]:
        """Wait for the end. Safe to cancel."""
        if self._has_come:
            return
        if channel._protocol is not None and not self._is_held:
            # So that the garbage collector does not take the waiting tasks.
            channel._protocol.reach(self._waiters)
            self._is_held = True
        waiter = channel._stand_in(self._waiters)
        try:
            yield waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def future(self, channel: Channel) -> asyncio.Future[None]:
        """Return the future that is done at the end; it is shared."""
        if self._future is None:
            self._future = channel._loop.create_future()
            if self._has_come:
                self._future.set_result(None)
            elif channel._protocol is not None:
                channel._protocol.reach(self._future)
        return self._future

    def come(self) -> None:
        """Resume all tasks in the next turn of the event loop; safe to repeat if it fails."""
        self._has_come = True
        while self._waiters:
            waiter = self._waiters[0]
            if not waiter.done():
                waiter.wake_later()
            # Last, so that it cannot get lost.
            self._waiters.pop(0)
        if self._future is not None and not self._future.done():
            self._future.set_result(None)
