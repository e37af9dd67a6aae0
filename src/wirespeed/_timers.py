"""Timers that do not keep their owner alive; on Linux, one file descriptor a loop waits for all.

A pending timer costs asyncio some 5,000 instructions in each turn of the loop, a fifth of what a
message of a quiet feed costs. A descriptor that becomes readable at a set time costs nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import os
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Protocol, TypeGuard, TypeVar
from weakref import WeakKeyDictionary, ref

from ._codec.backend import open_timer, set_timer

T = TypeVar("T")

# The list of calls is rid of cancelled ones when it is this long, and twice as long as before.
FEW_CALLS = 64


class Timer(Protocol):
    """A call that was asked for."""

    def cancel(self) -> None:
        """Do not call, unless it has happened."""


def call_at(
    loop: asyncio.AbstractEventLoop, when: float, owner: T, step: Callable[[T], None]
) -> Timer:
    """Call `step(owner)` at `when` by the loop's clock, if the owner still exists then."""
    alarm = _alarm_of(loop)
    timer = None if alarm is None else alarm.add(when, owner, step)
    return loop.call_at(when, _call_weakly, ref(owner), step) if timer is None else timer


def _call_weakly(owner: ref[T], step: Callable[[T], None]) -> None:
    found = owner()
    if found is not None:
        step(found)


class _Call:
    """A call that waits; `step` is `None` once it is cancelled or made."""

    __slots__ = ("alarm", "context", "owner", "step", "when")

    def __init__(self, alarm: _Alarm, when: float, owner: Any, step: Callable[[Any], None]) -> None:
        self.alarm = alarm
        self.when = when
        self.owner = ref(owner)
        self.step: Callable[[Any], None] | None = step
        self.context: Context = copy_context()

    def __lt__(self, other: _Call) -> bool:
        return self.when < other.when

    def cancel(self) -> None:
        """Do not call."""
        self.step = None
        self.alarm.settle()


class _Alarm:
    """The descriptor of one loop, open while there are calls, and the calls, the earliest first."""

    __slots__ = ("__weakref__", "_calls", "_fd", "_loop", "_many")

    def __init__(self, loop: asyncio.SelectorEventLoop) -> None:
        self._loop = ref(loop)
        self._fd = -1
        self._calls: list[_Call] = []
        self._many = FEW_CALLS

    def __del__(self) -> None:
        # The loop was closed before its connections were.
        if self._fd >= 0:
            os.close(self._fd)

    def add(self, when: float, owner: Any, step: Callable[[Any], None]) -> _Call | None:
        """Wait for a call; return `None` if there is no descriptor to wait for."""
        call = _Call(self, when, owner, step)
        if self._fd < 0 and not self._open():
            return None
        if len(self._calls) >= self._many:
            self._drop_cancelled()
        heapq.heappush(self._calls, call)
        if self._calls[0] is call:
            set_timer(self._fd, when)
        return call

    def settle(self) -> None:
        """Wait for the earliest call; close the descriptor if there is none."""
        calls = self._calls
        while calls and calls[0].step is None:
            heapq.heappop(calls)
        if calls:
            set_timer(self._fd, calls[0].when)
        elif self._fd >= 0:
            loop, fd = self._loop(), self._fd
            self._fd = -1
            try:
                if loop is not None:
                    loop.remove_reader(fd)
            finally:
                os.close(fd)

    def _open(self) -> bool:
        loop = self._loop()
        fd = -1 if loop is None else open_timer()
        if loop is None or fd < 0:
            return False
        try:
            loop.add_reader(fd, self._ring)
        except BaseException as exc:
            os.close(fd)
            if isinstance(exc, OSError):
                # The system can watch no more descriptors.
                return False
            raise
        self._fd = fd
        return True

    def _drop_cancelled(self) -> None:
        calls = [call for call in self._calls if call.step is not None]
        heapq.heapify(calls)
        self._calls = calls
        self._many = max(FEW_CALLS, 2 * len(calls))

    def _ring(self) -> None:
        """Make the calls that are due."""
        loop = self._loop()
        if loop is None:
            return
        now = loop.time()
        try:
            while self._calls and self._calls[0].when <= now:
                self._make(loop, heapq.heappop(self._calls))
        finally:
            self.settle()

    def _make(self, loop: asyncio.AbstractEventLoop, call: _Call) -> None:
        owner, step = call.owner(), call.step
        call.step = None
        if owner is None or step is None:
            return
        try:
            call.context.run(step, owner)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            # As a timer of the loop does.
            loop.call_exception_handler(
                {"message": f"wirespeed: a timer of {owner!r} failed", "exception": exc}
            )


# A loop itself holds its alarm, and each call does. From here, what a call holds would never be
# freed, and that may be the loop.
_alarms: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_Alarm]] = WeakKeyDictionary()


def _alarm_of(loop: asyncio.AbstractEventLoop) -> _Alarm | None:
    """Return the alarm of a loop; `None` for a loop with a clock or timers of its own."""
    known = _alarms.get(loop)
    alarm = None if known is None else known()
    if alarm is None and _has_stock_clock(loop):
        alarm = _Alarm(loop)
        _alarms[loop] = ref(alarm)
    return alarm


def _has_stock_clock(loop: asyncio.AbstractEventLoop) -> TypeGuard[asyncio.SelectorEventLoop]:
    return isinstance(loop, asyncio.SelectorEventLoop) and all(
        getattr(getattr(loop, name), "__func__", None) is getattr(asyncio.BaseEventLoop, name)
        for name in ("time", "call_at", "call_later")
    )
