"""The timers of a connection: a call that finds no memory is not the last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wirespeed._lifecycle import timer as module
from wirespeed._lifecycle.timer import Timer


@pytest.fixture(autouse=True)
def _repeats_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPEAT_SECONDS", 0.0)


class Steps:
    """Calls of a timer that fail at first; `over` is done at the end."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.reported: list[Any] = []
        loop.set_exception_handler(lambda _, context: self.reported.append(context["exception"]))
        self.timer = Timer(loop, self)
        self.failures = 0
        self.calls: list[str] = []
        self.over: asyncio.Future[None] = loop.create_future()

    def repeat(self) -> None:
        """Fail as often as `failures` says."""
        self.calls.append("repeat")
        if len(self.calls) <= self.failures:
            raise MemoryError
        self.over.set_result(None)

    def go_on(self) -> None:
        """Set the timer again, and fail."""
        self.calls.append("go on")
        self.timer.after(0.0, Steps.repeat)
        raise MemoryError

    def end(self) -> None:
        """Cancel the timer, and fail."""
        self.calls.append("end")
        self.timer.cancel()
        self.timer._loop.call_soon(self.over.set_result, None)
        raise MemoryError


async def test_a_call_without_memory_is_repeated() -> None:
    """As often as it fails; each failure is reported to the event loop."""
    steps = Steps()
    steps.failures = 3
    steps.timer.after(0.0, Steps.repeat)
    await steps.over
    assert steps.calls == ["repeat"] * 4
    assert [type(exc) for exc in steps.reported] == [MemoryError] * 3


async def test_a_call_that_has_set_the_timer_is_not_repeated() -> None:
    """The next call is made, and only that."""
    steps = Steps()
    steps.timer.after(0.0, Steps.go_on)
    await steps.over
    assert steps.calls == ["go on", "repeat"]


async def test_a_call_that_has_cancelled_the_timer_is_not_repeated() -> None:
    """What it ended stays ended."""
    steps = Steps()
    steps.timer.after(0.0, Steps.end)
    await steps.over
    assert steps.timer._call is None
    assert steps.calls == ["end"]


async def test_a_timer_makes_one_call() -> None:
    """A later one takes the place of an earlier one."""
    steps = Steps()
    steps.timer.after(0.0, Steps.go_on)
    steps.timer.after(0.0, Steps.repeat)
    await steps.over
    assert steps.calls == ["repeat"]
