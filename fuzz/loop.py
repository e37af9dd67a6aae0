"""One event loop for all inputs of a process: to make one takes longer than most inputs do."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine
from typing import Any, Final

DEADLINE_SECONDS: Final = 20.0


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def run(script: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end. Every error that reaches the loop, and every task left, counts.

    Raises:
        AssertionError: the coroutine left a task behind, or an error reached the event loop.
    """
    loop = _loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))

    async def whole() -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await script
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(whole())
    finally:
        asyncio.set_event_loop(None)
    assert not faults, faults
