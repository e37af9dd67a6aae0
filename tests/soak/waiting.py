"""Waits that end: after a deadline they tell what was waited for, and where it stands.

Must not know what is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

# Far more than anything here takes, on a machine that is busy with other things, too.
WAIT_SECONDS: Final = 30.0


class HangError(Exception):
    """Something took longer than anything may; the text has the stacks of the tasks."""


def stack_of(task: asyncio.Task[Any]) -> str:
    """Tell where a task is suspended, down to the innermost coroutine."""
    lines = [repr(task)]
    waiting: Any = task.get_coro()
    while (frame := getattr(waiting, "cr_frame", None)) is not None:
        lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}")
        waiting = waiting.cr_await
    return "\n  ".join([*lines, f"waits for {waiting!r}\n"])


async def all_done(tasks: Iterable[asyncio.Task[Any]], seconds: float = WAIT_SECONDS) -> None:
    """Wait until all tasks are done, for some seconds.

    Raises:
        HangError: one of them is not, in time; it was cancelled.
    """
    tasks = list(tasks)
    late = (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
    if late:
        stacks = "".join(stack_of(task) for task in late)
        for task in late:
            task.cancel()
        raise HangError(f"not done within {seconds:g} seconds:\n{stacks}")
