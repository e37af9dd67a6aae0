"""Tasks that asyncio has lost because an allocation failed in its own code."""

from __future__ import annotations

import asyncio


def is_orphaned(task: asyncio.Task[None]) -> bool:
    """Return whether asyncio has lost a task: it waits for nothing, and nothing will resume it.

    Called when the loop has had time for everything that it knows of. A task that waits for a
    finished future was to be resumed, and was not.
    A step of a task forgets the future that the task waited for, and ends with the next one, or
    with a scheduled step. In between asyncio allocates; if that fails, the task stays as it is.
    """
    waiter = task._fut_waiter  # type: ignore[attr-defined]
    is_told = isinstance(waiter, asyncio.Future) and waiter.done()
    return not task.done() and (waiter is None or is_told)
