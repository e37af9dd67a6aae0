"""What asyncio and CPython do themselves when an allocation fails.

The harness excuses what `memory.losses` recognises, and avoids what `memory.precautions` does.
Nothing here uses the package under test.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("_testcapi", reason="this interpreter has no _testcapi to fail allocations")

from memory import precautions
from memory.losses import is_lost_callback, is_orphaned, runs_all_the_same

_testcapi: Any = importlib.import_module("_testcapi")

POINTS = 60


def _failing(n: int, call: Callable[..., object], *arguments: object) -> BaseException | None:
    """Call while allocation number `n` fails; return what that raised."""
    start, stop = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
    after = n + 1
    # What the garbage collector ends must not meet the failure.
    gc.disable()
    start(n, after)
    try:
        call(*arguments)
    except MemoryError as exc:
        return exc
    finally:
        stop()
        gc.enable()
    return None


class _Turns:
    """A loop that makes calls of each kind, and a task that waits twice, while allocations fail."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.loop = loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda _, context: self.reports.append(context))
        self.called = [False] * 7
        self._is_over = False
        first, self.second = loop.create_future(), loop.create_future()
        self.task = loop.create_task(self._wait_twice(first, self.second))
        loop.run_until_complete(asyncio.sleep(0))
        first.set_result(None)
        for number in range(2):
            loop.call_soon(self._note, number)
            loop.call_later(0.001 * number, self._note, 2 + number)
        # Several, because the loop may lose one.
        for number in range(3):
            loop.call_later(0.002 + 0.002 * number, self._stop, 4 + number)

    async def _wait_twice(self, first: Any, second: Any) -> None:
        await first
        await second

    def _note(self, number: int) -> None:
        self.called[number] = True

    def _stop(self, number: int) -> None:
        self.called[number] = True
        if not self._is_over:
            self.loop.stop()

    def run(self, n: int) -> BaseException | None:
        """Run while allocation number `n` fails, and then without failures."""
        precautions.prepare(self.loop)
        stop = _failing(n, self.loop.run_forever)
        asyncio._set_running_loop(None)
        self._is_over = True
        # Timers are called in the order of their times, so this is the last.
        self.loop.run_until_complete(asyncio.sleep(0.01))
        return stop

    def end(self) -> None:
        """Let the task end, if it can, and close the loop."""
        if not is_orphaned(self.task) and not self.task.done():
            self.second.set_result(None)
            self.loop.run_until_complete(asyncio.wait([self.task], timeout=5))
            assert self.task.done()
        del self.task
        gc.collect()
        self.loop.close()


def test_what_asyncio_loses() -> None:
    """It can lose a callback and a task, and whenever it does, this is seen.

    When `run_forever` raises, nothing is lost: the next run goes on with it.
    """
    seen: set[str] = set()
    for n in range(POINTS):
        turns = _Turns()
        stop = turns.run(n)
        signs = set()
        if any(is_lost_callback(report["exception"]) for report in turns.reports):
            signs.add("a callback was lost")
        if is_orphaned(turns.task):
            signs.add("a task was lost")
        assert bool(signs) == (not all(turns.called) or is_orphaned(turns.task)), n
        if stop is not None:
            signs.add("run_forever raised")
        seen |= signs
        turns.end()
    assert seen == {"run_forever raised", "a callback was lost", "a task was lost"}


def test_create_task_raises_although_the_task_runs() -> None:
    """The task is scheduled before it is noted; only the trace tells."""
    seen = set()
    for n in range(POINTS):
        loop = asyncio.new_event_loop()
        ran: list[int] = []

        async def run(ran: list[int] = ran) -> None:
            ran.append(1)

        coro = run()
        raised = _failing(n, loop.create_task, coro)
        loop.run_until_complete(asyncio.sleep(0))
        if raised is not None:
            assert runs_all_the_same(raised) == bool(ran), n
            seen.add(bool(ran))
        coro.close()
        loop.close()
    assert seen == {True, False}


def test_a_deque_keeps_what_it_could_not_append() -> None:
    """Its reference is never given back, unless the deque has a spare block."""
    leaks = {}
    for is_spared in (False, True):
        items: deque[Any] = deque()
        # Only what was freed is spare, for all deques in CPython 3.11.
        kept = [] if is_spared else [deque(range(64)) for _ in range(64)]
        if is_spared:
            precautions.spare_blocks(items)
        item = object()
        before = sys.getrefcount(item)
        raised = None
        appended = 0
        while raised is None and appended < 64:
            raised = _failing(0, items.append, item)
            appended += raised is None
        has_raised = raised is not None
        # It refers to the item.
        del raised
        leaks[is_spared] = sys.getrefcount(item) - before - appended
        assert has_raised != is_spared
        del kept
    assert leaks == {False: 1, True: 0}


def test_a_dict_that_cannot_grow() -> None:
    """`dict.setdefault` may leave an entry that is none; with room for it, nothing fails."""
    key = object()
    roomy: dict[Any, Any] = {}
    precautions.make_room(roomy)
    for _ in range(1000):
        assert _failing(0, roomy.setdefault, key, key) is None
        del roomy[key]
    assert precautions.breaks_setdefault() in {True, False}
