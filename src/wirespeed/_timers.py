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
from typing import TypeGuard, TypeVar
from weakref import WeakKeyDictionary, ref

from ._codec.backend import open_timer, set_timer

T = TypeVar("T")

# The list of calls is rid of cancelled ones when it is this long, and twice as long as before.
FEW_CALLS = 64


def call_at(
    loop: asyncio.AbstractEventLoop, when: float, owner: T, step: Callable[[T], None]
) -> Call:
    """Call `step(owner)` at `when` by the loop's clock, if the owner still exists then.

    Raises:
        MemoryError: there will be no call.
    """
    call = Call(when, owner, step)
    alarm = _alarm_of(loop)
    if alarm is None or not alarm.add(call):
        call.handle = loop.call_at(when, call.make)
    return call


class Call:
    """A call that waits, behind the descriptor of an alarm or in the loop itself.

    Attributes:
        when: the time of the call.
        step: what to call; `None` once the call is cancelled or made.
        context: what the call runs in.
        alarm: where it waits.
        handle: the loop's timer, if it waits there.
    """

    __slots__ = ("_owner", "alarm", "context", "handle", "step", "when")

    def __init__(self, when: float, owner: T, step: Callable[[T], None]) -> None:
        self.when = when
        self.step: Callable[[T], None] | None = step
        self.context: Context = copy_context()
        self.alarm: _Alarm | None = None
        self.handle: asyncio.TimerHandle | None = None
        self._owner = ref(owner)

    def __lt__(self, other: Call) -> bool:
        return self.when < other.when

    def cancel(self) -> None:
        """Do not call, unless that has happened."""
        # First, whatever fails then.
        self.step = None
        handle, self.handle = self.handle, None
        if handle is not None:
            handle.cancel()
        elif self.alarm is not None:
            self.alarm.settle()

    def make(self) -> None:
        """Call, unless that was cancelled."""
        owner, step = self._owner(), self.step
        self.step = self.handle = None
        if owner is not None and step is not None:
            step(owner)


class _Alarm:
    """The descriptor of one loop, open while there are calls, and the calls, the earliest first."""

    __slots__ = ("__weakref__", "_calls", "_fd", "_loop", "_many")

    def __init__(self, loop: asyncio.SelectorEventLoop) -> None:
        self._loop = ref(loop)
        self._fd = -1
        self._calls: list[Call] = []
        self._many = FEW_CALLS

    def __del__(self) -> None:
        # The loop was closed before its connections were. Without memory there may be no `_fd`.
        fd = getattr(self, "_fd", -1)
        if fd >= 0:
            os.close(fd)

    def add(self, call: Call) -> bool:
        """Wait for a call; return `False` if there is no descriptor to wait for."""
        if len(self._calls) >= self._many:
            self._drop_cancelled()
        heapq.heappush(self._calls, call)
        if self._fd < 0 and not self._opens_for(call):
            return False
        call.alarm = self
        if self._calls[0] is call:
            set_timer(self._fd, call.when)
        return True

    def _opens_for(self, call: Call) -> bool:
        """Open the descriptor; if that is not possible, the call does not wait here."""
        is_open = False
        try:
            is_open = self._open()
        finally:
            if not is_open:
                self._calls.remove(call)
        return is_open

    def settle(self) -> None:
        """Wait for the earliest call; close the descriptor if there is none."""
        first = self._first()
        if first is not None:
            set_timer(self._fd, first.when)
        elif self._fd >= 0:
            loop = self._loop()
            if loop is not None:
                # If that fails, the descriptor stays open, and is tried again when it is due.
                loop.remove_reader(self._fd)
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _first(self) -> Call | None:
        """Return the earliest call that was neither made nor cancelled."""
        calls = self._calls
        while calls and calls[0].step is None:
            heapq.heappop(calls)
        return calls[0] if calls else None

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
            call = self._first()
            while call is not None and call.when <= now:
                _make(loop, call)
                if call.step is not None:
                    # There was no memory to begin with. It is due, so this comes again.
                    return
                call = self._first()
        finally:
            self.settle()


def _make(loop: asyncio.AbstractEventLoop, call: Call) -> None:
    try:
        call.context.run(call.make)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as exc:
        # As a timer of the loop does.
        loop.call_exception_handler(
            {"message": "wirespeed: a timer's call failed", "exception": exc}
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
