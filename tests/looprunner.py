"""Runs one coroutine on one event loop and reports what it left behind.

Does not use the package under test, nor depend on how pytest collects tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import inspect
import os
import stat
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import pytest

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

LOOP_FACTORIES: Final[dict[str, LoopFactory]] = {"asyncio": asyncio.new_event_loop}
if sys.platform != "win32":
    import uvloop

    LOOP_FACTORIES["uvloop"] = uvloop.new_event_loop

# Transports close their sockets a few turns of the loop after `close` is called. This is the
# longest that we wait for a test's servers to finish. If they finish sooner, we do not wait.
SETTLE_SECONDS: Final = 2.0

# A blocked loop cannot run its own timer. After this grace the process ends, with every traceback.
GRACE_SECONDS: Final = 30.0


def is_async_test(function: object) -> bool:
    """Return whether `run_async_test` has to run `function`."""
    return inspect.iscoroutinefunction(function)


class DeadlineOfProcess:
    """Ends the process: the last resort against a test that blocks its event loop."""

    def __init__(self) -> None:
        self._stderr = os.dup(2)

    @contextlib.contextmanager
    def armed(self, seconds: float) -> Iterator[None]:
        """End the process if the block takes longer than `seconds` plus a grace period."""
        faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, exit=True, file=self._stderr)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()

    def close(self) -> None:
        """Release the descriptor."""
        os.close(self._stderr)


def run_async_test(
    name: str,
    loop_factory: LoopFactory,
    test: Callable[[], Coroutine[Any, Any, None]],
    seconds: float,
) -> None:
    """Run `test` to its end, then fail it if it left anything behind.

    Args:
        name: what to call the test in a failure.
        loop_factory: makes the event loop.
        test: makes the coroutine.
        seconds: how long the coroutine may run.

    Raises:
        pytest.fail.Exception: the time ran out; or the test passed, but tasks, sockets,
            unclosed resources or complaints to the loop's exception handler are left.
    """
    complaints = Complaints()
    with complaints.collected():
        runner = asyncio.Runner(debug=False, loop_factory=loop_factory)
        runner.get_loop().set_exception_handler(complaints.add_context)
        try:
            runner.run(_run_and_settle(name, test, seconds, complaints))
        except BaseException as exc:
            for text in complaints.texts:
                exc.add_note(f"event loop: {text}")
            raise
        finally:
            try:
                runner.close()
            except OSError as exc:
                complaints.texts.append(f"event loop could not be closed: {exc!r}")
        # Objects lost in reference cycles complain only when they are collected. Whatever is left
        # belongs to pytest and lives for good: collecting it again after each test took a third of
        # the run.
        gc.collect()
        gc.freeze()
    if complaints.texts:
        pytest.fail("left behind:\n" + "\n".join(complaints.texts), pytrace=False)


class Complaints:
    """Problems that no test sees as an exception: loop errors, `__del__` errors, leftovers."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add_context(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Record a call of the event loop's exception handler."""
        parts = [f"{key}={value!r}" for key, value in context.items() if key != "message"]
        self.texts.append(f"{context.get('message')}: {', '.join(parts)}")

    def add_unraisable(self, unraisable: Any) -> None:
        """Record what a `__del__` raised. Resource warnings are errors, and so arrive here too."""
        where = unraisable.err_msg or "exception ignored in"
        # We keep the text, not the object: a reference would bring the object back to life.
        self.texts.append(f"{where} {unraisable.object!r}: {unraisable.exc_value!r}")

    @contextlib.contextmanager
    def collected(self) -> Iterator[None]:
        """Record complaints for the duration of the block."""
        before = sys.unraisablehook
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            warnings.filterwarnings("error", message=".*was never awaited")
            sys.unraisablehook = self.add_unraisable
            try:
                yield
            finally:
                sys.unraisablehook = before


async def _run_and_settle(
    name: str,
    test: Callable[[], Coroutine[Any, Any, None]],
    seconds: float,
    complaints: Complaints,
) -> None:
    sockets_before = open_sockets()
    try:
        async with asyncio.timeout(seconds) as deadline:
            await test()
    except TimeoutError as exc:
        if deadline.expired():
            raise pytest.fail.Exception(f"{name} ran longer than {seconds:g} seconds") from exc
        raise
    loop = asyncio.get_running_loop()
    give_up = loop.time() + SETTLE_SECONDS
    while left := _leftovers(sockets_before):
        if loop.time() > give_up:
            complaints.texts.extend(left)
            return
        await asyncio.sleep(0)


def _leftovers(sockets_before: set[int]) -> list[str]:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    sockets = open_sockets() - sockets_before
    return [f"task {task!r}" for task in tasks] + [f"socket {number}" for number in sockets]


def open_sockets() -> set[int]:
    """Return the inode numbers of this process's sockets; empty if they cannot be listed."""
    found = set()
    if os.path.isdir("/dev/fd"):
        for name in os.listdir("/dev/fd"):
            # The listing's own descriptor is in the list, and closed by now.
            with contextlib.suppress(OSError):
                status = os.fstat(int(name))
                if stat.S_ISSOCK(status.st_mode):
                    found.add(status.st_ino)
    return found
