"""What asyncio loses when an allocation fails in its own code, as traces show it.

`test_interpreter.py` shows each loss without the package under test.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from traceback import FrameSummary
from typing import Any


def is_orphaned(task: asyncio.Task[Any]) -> bool:
    """Return whether asyncio has lost a task: it waits for nothing, and nothing will resume it.

    A step of a task forgets the future that the task waited for, and ends with the next one, or
    with a scheduled step. In between asyncio allocates; if that fails, the task stays as it is.
    A task that waits for a finished future was to be resumed, and was not.
    """
    waiter = task._fut_waiter  # type: ignore[attr-defined]
    is_told = isinstance(waiter, asyncio.Future) and waiter.done()
    if task.done() or not (waiter is None or is_told):
        return False
    calls = (handle._callback for handle in list(task.get_loop()._ready))  # type: ignore[attr-defined]
    return all(getattr(call, "__self__", None) is not task for call in calls)


def is_lost_callback(exc: BaseException) -> bool:
    """Return whether the loop has reported that it failed before it called a callback.

    Then `Handle._run` is the only frame. A callback that is called has a frame of its own, unless
    it is the wakeup of a task, which is asyncio's.
    """
    frames = _frames(exc)
    return (
        isinstance(exc, MemoryError)
        and len(frames) == 1
        and _stands_in(frames[0], "asyncio/events.py")
        and frames[0].name == "_run"
    )


def runs_all_the_same(exc: BaseException) -> bool:
    """Return whether `create_task` has raised this, or its cause, after it had started the task.

    It schedules the first step, and then adds the task to the set of all tasks.
    """
    for each in _chain(exc):
        frames = _frames(each)
        if (
            isinstance(each, MemoryError)
            and len(frames) > 1
            and _stands_in(frames[-1], "/_weakrefset.py")
            and _stands_in(frames[-2], "asyncio/base_events.py")
            and frames[-2].name == "create_task"
        ):
            return True
    return False


def _frames(exc: BaseException) -> list[FrameSummary]:
    return list(traceback.extract_tb(exc.__traceback__))


def _stands_in(frame: FrameSummary, file: str) -> bool:
    return frame.filename.endswith(file)


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
