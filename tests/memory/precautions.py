"""Keeps the interpreter from its own faults that leave no trace when an allocation fails.

`test_interpreter.py` shows each fault without the package under test.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections import deque
from typing import Any, Final

_testcapi: Any = importlib.import_module("_testcapi")

# CPython keeps this many blocks of 64 items that a deque has freed.
SPARE_ITEMS: Final = 17 * 64
# Then room is left for some 2,700 steps of tasks; a scene takes less than 100.
LEAST_ROOM: Final = 8192


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Take both precautions for what a loop does next."""
    spare_blocks(loop._ready)  # type: ignore[attr-defined]
    if breaks_setdefault():
        make_room(asyncio.tasks._current_tasks)  # type: ignore[attr-defined]


def spare_blocks(ready: deque[Any]) -> None:
    """Let the next appends need no memory: one that fails keeps what it was to append for ever."""
    ready.extend([None] * SPARE_ITEMS)
    for _ in range(SPARE_ITEMS):
        ready.pop()


@functools.cache
def breaks_setdefault() -> bool:
    """Return whether `dict.setdefault` breaks a dict that cannot grow, as in CPython 3.13.

    asyncio notes the current task with it. The garbage collector then crashes.
    """
    growing: dict[Any, Any] = {}
    key = object()
    for _ in range(5):
        growing.setdefault(key)
        del growing[key]
    set_default, stop = growing.setdefault, _testcapi.remove_mem_hooks
    _testcapi.set_nomemory(0, 1)
    try:
        try:
            set_default(key)
        finally:
            # It returns as if nothing had failed, with an exception set, which this call meets.
            stop()
    except (MemoryError, SystemError):
        pass
    return len(growing) > 0


def make_room(table: dict[Any, Any]) -> None:
    """Let a dict take the next items, one at a time, without growing."""
    keys = range(-LEAST_ROOM, 0)
    table.update(dict.fromkeys(keys))
    for key in keys:
        del table[key]
