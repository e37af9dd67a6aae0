"""Suspends tasks, and resumes them inside the call that brings what they wait for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, NoReturn

from .._base.arguments import check_seconds
from .._codec.backend import call_in_context

if sys.version_info >= (3, 12):
    from asyncio import current_task
else:
    # There, `current_task` is a Python function, which costs 60 ns more per wake.
    from asyncio.tasks import _current_tasks  # type: ignore[attr-defined]

    current_task = _current_tasks.get


# Longer times are checked with more care.
LONG_SECONDS = 1e9


def _raise(exc: BaseException) -> NoReturn:
    raise exc


def raise_later(loop: asyncio.AbstractEventLoop, exc: BaseException) -> None:
    """Raise `exc` from the event loop: some transports swallow exceptions of their callbacks."""
    loop.call_soon(_raise, exc)


class Waiter:
    """One suspension of one task; it has the interface of a future that `asyncio.Task` needs.

    A waiter is used once. It is either woken or cancelled, whichever comes first.
    """

    _asyncio_future_blocking: bool
    _loop: asyncio.AbstractEventLoop
    _callback: Callable[[Waiter], object] | None
    _context: Context | None
    _cancel_message: Any
    _cancelled: bool
    woken: bool
    expired: bool
    # Whether a message was set aside for this waiter when it was woken.
    reserved: bool

    def wake(self) -> None:
        """Resume the task: in place if possible, else in the next turn of the event loop.

        Resuming in place saves a turn of the event loop for each socket read. It is not possible
        while another task runs (asyncio has one current task per loop), or if the waiting task's
        context is already entered. It is not done if the task may run the event loop itself: such a
        nested run cannot read from this transport, whose callback has not returned.

        Raises:
            MemoryError: the task was not resumed, and can be woken again.
        """
        callback = self._callback
        if (
            callback is None
            or current_task(self._loop) is not None
            # Set by nest_asyncio and nest_asyncio2, at any time.
            or getattr(self._loop, "_nest_patched", False)
        ):
            self.wake_later()
            return
        self.woken = True
        self._callback = None
        try:
            if call_in_context(self._context, callback, self):
                return
        except MemoryError as exc:
            if not self._is_awaited_by(callback):
                raise_later(self._loop, exc)
                return
        except BaseException as exc:
            raise_later(self._loop, exc)
            return
        self._callback = callback
        self.woken = False
        self.wake_later()

    def _is_awaited_by(self, callback: Any) -> bool:
        """Return whether the task of `callback` still waits: asyncio failed before its step."""
        task = getattr(callback, "__self__", None)
        return getattr(task, "_fut_waiter", None) is self

    def wake_later(self) -> None:
        """Resume the task in the next turn of the event loop; see `wake` for its error."""
        self._schedule()
        self.woken = True

    def expire(self) -> None:
        """Wake because the timeout is over."""
        if not self.done():
            self.expired = True
            self.wake()

    def _schedule(self) -> None:
        callback = self._callback
        if callback is not None:
            self._loop.call_soon(callback, self, context=self._context)
            self._callback = None

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the wait; return `False` if it is already over."""
        if self.done():
            return False
        self._schedule()
        self._cancelled = True
        self._cancel_message = msg
        return True

    def cancelled(self) -> bool:
        """Whether `cancel` came first."""
        return self._cancelled

    def done(self) -> bool:
        """Whether the waiter was woken or cancelled."""
        return self.woken or self._cancelled

    def result(self) -> None:
        """Raise `asyncio.CancelledError` if the wait was cancelled."""
        if self._cancelled:
            if self._cancel_message is None:
                raise asyncio.CancelledError
            raise asyncio.CancelledError(self._cancel_message)

    def add_done_callback(
        self, fn: Callable[[Waiter], object], *, context: Context | None = None
    ) -> None:
        """Set the only callback, that of the waiting task."""
        if self._callback is not None:
            raise RuntimeError("a wait can have one callback only")
        self._context = copy_context() if context is None else context
        self._callback = fn
        if self.done():
            self._schedule()

    def remove_done_callback(self, fn: Callable[[Waiter], object]) -> int:
        """Remove the callback; return how many were removed."""
        if self._callback is None or self._callback != fn:
            return 0
        self._callback = None
        return 1

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that the waiting task must run on."""
        return self._loop


def suspend(loop: asyncio.AbstractEventLoop) -> Waiter:
    """Make the waiter that an awaitable returns to suspend its task.

    Not in `__init__`, which would parse its arguments at each suspension.
    """
    waiter = Waiter.__new__(Waiter)
    waiter._asyncio_future_blocking = True
    waiter._loop = loop
    waiter._callback = None
    waiter._context = None
    waiter._cancel_message = None
    waiter._cancelled = False
    waiter.woken = False
    waiter.expired = False
    waiter.reserved = False
    return waiter


class Awaitable:
    """A coroutine without a frame: the full coroutine protocol around one `__next__`.

    `create_task`, `wait_for`, `gather` and task reprs accept it like a coroutine. Subclasses
    implement `__next__`, which returns a waiter to suspend and raises `StopIteration` to finish,
    and `_forget`, which leaves the queue that it waits in. `begin` initialises the attributes of
    every subclass.
    """

    cr_frame = None
    cr_code = None
    cr_await = None
    cr_running = False

    # The object that is waited for; `None` once the wait is over.
    _source: Any
    _option: bool
    _limit: int
    _timeout: float | None
    _deadline: float | None
    _waiter: Waiter | None

    def __getattr__(self, name: str) -> str:
        # Not properties: a compiled class cannot define these two names.
        if name in {"__name__", "__qualname__"}:
            return type(self).__name__
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")

    def __await__(self) -> Awaitable:
        return self

    def __iter__(self) -> Awaitable:
        return self

    def __next__(self) -> Waiter | None:
        raise NotImplementedError

    def send(self, value: object) -> Waiter | None:
        """Resume, as a coroutine's `send` does; the value is ignored."""
        return self.__next__()

    def throw(
        self,
        exc: type[BaseException] | BaseException,
        value: BaseException | object | None = None,
        traceback: TracebackType | None = None,
    ) -> NoReturn:
        """End the wait with an exception, as a coroutine's `throw` does."""
        self._forget()
        if isinstance(exc, BaseException):
            error = exc
        elif isinstance(value, BaseException):
            error = value
        else:
            error = exc() if value is None else exc(value)
        if traceback is not None:
            error = error.with_traceback(traceback)
        raise error

    def close(self) -> None:
        """End the wait, as a coroutine's `close` does."""
        self._forget()

    def _forget(self) -> None:
        raise NotImplementedError


def begin(
    wait: Awaitable, source: Any, option: bool, timeout: float | None, limit: int
) -> Awaitable:
    """Initialise an object that `__new__` made, and return it.

    Not in `__init__`: parsing its arguments would cost a third of a whole receive.

    Raises:
        TypeError, ValueError: `timeout` is not a duration.
    """
    # Most are checked here: the call would double the cost of a receive that need not wait.
    if timeout is not None and not (type(timeout) is float and 0.0 <= timeout < LONG_SECONDS):
        check_seconds("timeout", timeout)
    wait._source = source
    wait._option = option
    wait._limit = limit
    wait._timeout = timeout
    wait._deadline = None
    wait._waiter = None
    return wait
