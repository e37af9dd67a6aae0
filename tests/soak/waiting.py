"""Waits with a deadline, after which they report what was waited for and where it is suspended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

# Far more than anything here takes, even on a machine that is busy with other things.
WAIT_SECONDS: Final = 30.0


class HangError(Exception):
    """Something took longer than the deadline. The text has the stacks of the tasks."""


def stack_of(task: asyncio.Task[Any]) -> str:
    """Return where a task is suspended, down to the innermost coroutine."""
    lines = [repr(task)]
    waiting: Any = task.get_coro()
    while (frame := getattr(waiting, "cr_frame", None)) is not None:
        lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}")
        waiting = waiting.cr_await
    return "\n  ".join([*lines, f"waits for {waiting!r}\n"])


async def all_done(tasks: Iterable[asyncio.Task[Any]], seconds: float = WAIT_SECONDS) -> None:
    """Wait for up to `seconds` until all tasks are done.

    Raises:
        HangError: a task was not done in time; those that were late are cancelled.
    """
    tasks = list(tasks)
    late = (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
    if late:
        stacks = "".join(stack_of(task) for task in late)
        for task in late:
            task.cancel()
        raise HangError(f"not done within {seconds:g} seconds:\n{stacks}")
