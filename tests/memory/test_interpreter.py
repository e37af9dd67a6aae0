"""What asyncio itself does when an allocation fails: the failures that `memory.verdict` excuses.

Nothing here uses the package under test.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from memory.orphans import is_orphaned
from memory.verdict import Report, report_of

_testcapi = pytest.importorskip(
    "_testcapi", reason="this interpreter has no _testcapi to fail allocations"
)

POINTS = 60


def _play(n: int) -> tuple[bool, bool, list[Report]]:
    """Resume a task, with a failing allocation.

    Returns:
        Whether the loop raised, whether asyncio has lost the task, and what was reported.
    """
    loop = asyncio.new_event_loop()
    reports: list[Report] = []
    loop.set_exception_handler(lambda _, context: reports.append(report_of(context)))

    async def wait_twice(first: Any, second: Any) -> None:
        await first
        await second

    first, second = loop.create_future(), loop.create_future()
    task = loop.create_task(wait_twice(first, second))
    loop.run_until_complete(asyncio.sleep(0))
    first.set_result(None)
    # Several, because the loop may lose one.
    stops = [loop.call_later(0.01 * turn, loop.stop) for turn in (1, 2, 3)]
    raised = False
    _testcapi.set_nomemory(n, n + 1)
    try:
        loop.run_forever()
    except MemoryError:
        raised = True
        asyncio._set_running_loop(None)
    finally:
        _testcapi.remove_mem_hooks()
    for stop in stops:
        stop.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    lost = is_orphaned(task)
    if not lost and not task.done():
        second.set_result(None)
        loop.run_until_complete(asyncio.wait([task], timeout=5))
        assert task.done()
    del task
    loop.close()
    return raised, lost, reports


def test_what_asyncio_loses() -> None:
    """The loop can raise, lose a callback, and lose a task, each at some allocation."""
    played = [_play(n) for n in range(POINTS)]
    assert any(raised for raised, _, _ in played)
    assert any(lost for _, lost, _ in played)
    assert any(report.is_lost_callback for _, _, reports in played for report in reports)
