"""Timers that do not keep their owner alive: in time, in order, and with nothing left behind."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

import wirespeed
from wirespeed._codec import backend
from wirespeed._timers import FEW_CALLS, Call, call_at

HAS_DESCRIPTORS = sys.platform == "linux" and (backend.COMPILED or sys.version_info >= (3, 13))


class Owner:
    """Notes what it is called for."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.called = asyncio.Event()

    def after(self, seconds: float, name: str) -> Call:
        """Be called after so many seconds."""
        loop = asyncio.get_running_loop()
        return call_at(loop, loop.time() + seconds, self, lambda owner: owner._note(name))

    def _note(self, name: str) -> None:
        self.names.append(name)
        self.called.set()


def descriptors() -> set[str]:
    """Return what the descriptors of this process are."""
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(f"{link.name} {os.readlink(link)}")
        except OSError:
            continue
    return {link for link in links if "timerfd" in link}


async def test_calls_come_in_order() -> None:
    owner = Owner()
    owner.after(0.02, "last")
    owner.after(-1.0, "first")
    owner.after(0.01, "second")
    while len(owner.names) < 3:
        owner.called.clear()
        await owner.called.wait()
    assert owner.names == ["first", "second", "last"]


async def test_no_call_is_early() -> None:
    loop = asyncio.get_running_loop()
    owner = Owner()
    for _ in range(20):
        owner.called.clear()
        began = loop.time()
        owner.after(0.003, "call")
        await owner.called.wait()
        # uvloop's timers have milliseconds.
        assert loop.time() - began >= 0.002


async def test_a_cancelled_call_does_not_come() -> None:
    owner = Owner()
    owner.after(0.001, "first").cancel()
    owner.after(0.002, "second")
    third = owner.after(0.002, "third")
    third.cancel()
    third.cancel()
    await owner.called.wait()
    await asyncio.sleep(0)
    assert owner.names == ["second"]


async def test_a_call_may_cancel_one_that_is_due_and_ask_for_more() -> None:
    loop = asyncio.get_running_loop()
    owner = Owner()

    def first(owner: Owner) -> None:
        second.cancel()
        owner.after(0.001, "third")

    when = loop.time() + 0.001
    call_at(loop, when, owner, first)
    second = call_at(loop, when + 1e-6, owner, lambda owner: owner._note("second"))
    await owner.called.wait()
    assert owner.names == ["third"]


async def test_an_owner_that_is_gone_is_not_called() -> None:
    names: list[str] = []
    loop = asyncio.get_running_loop()
    owner, other = Owner(), Owner()
    call_at(loop, loop.time() + 0.001, owner, lambda owner: names.append("gone"))
    del owner
    gc.collect()
    other.after(0.002, "other")
    await other.called.wait()
    assert names == []


async def test_a_call_that_fails_is_reported_and_the_others_come() -> None:
    loop = asyncio.get_running_loop()
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda loop, context: reports.append(context))
    owner = Owner()

    def fail(owner: Owner) -> None:
        raise ValueError("a mistake")

    call_at(loop, loop.time(), owner, fail)
    owner.after(0.001, "next")
    await owner.called.wait()
    assert [str(report["exception"]) for report in reports] == ["a mistake"]


async def test_a_call_sees_the_context_of_who_asked() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    loop = asyncio.get_running_loop()
    owner = Owner()
    seen: list[str] = []
    variable.set("of the first")
    call_at(loop, loop.time(), owner, lambda owner: seen.append(variable.get()))
    variable.set("of the second")
    call_at(loop, loop.time(), owner, lambda owner: seen.append(variable.get()))
    owner.after(0.001, "end")
    await owner.called.wait()
    assert seen == ["of the first", "of the second"]


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="this system has no descriptors with a time")
def test_a_loop_has_one_descriptor_while_calls_wait() -> None:
    async def use() -> None:
        before = descriptors()
        owner = Owner()
        timers = [owner.after(seconds, "call") for seconds in (60, 50, 70)]
        assert len(descriptors() - before) == 1
        assert not asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        for timer in timers:
            timer.cancel()
        assert descriptors() == before
        owner.after(0.001, "call")
        await owner.called.wait()
        await asyncio.sleep(0)
        assert descriptors() == before

    asyncio.run(use())


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="this system has no descriptors with a time")
def test_a_loop_that_is_closed_early_leaves_no_descriptor() -> None:
    async def use() -> Owner:
        owner = Owner()
        owner.after(60, "never")
        return owner

    before = descriptors()
    owner = asyncio.run(use())
    gc.collect()
    assert descriptors() == before
    assert owner.names == []


def test_a_loop_that_is_closed_early_is_freed() -> None:
    variable: contextvars.ContextVar[asyncio.AbstractEventLoop] = contextvars.ContextVar("variable")

    async def use() -> tuple[weakref.ref[asyncio.AbstractEventLoop], Owner]:
        variable.set(asyncio.get_running_loop())
        owner = Owner()
        owner.after(60, "never")
        return weakref.ref(asyncio.get_running_loop()), owner

    loop, _ = contextvars.copy_context().run(asyncio.run, use())
    gc.collect()
    assert loop() is None


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="this system has no descriptors with a time")
def test_cancelled_calls_do_not_pile_up() -> None:
    async def use() -> None:
        owner = Owner()
        first = owner.after(30, "first")
        alarm = first.alarm
        assert alarm is not None
        for _ in range(20 * FEW_CALLS):
            owner.after(60, "later").cancel()
            assert len(alarm._calls) <= FEW_CALLS
        first.cancel()

    asyncio.run(use())


class OwnClock(asyncio.SelectorEventLoop):
    """A loop with a clock of its own."""

    def time(self) -> float:
        """Return a time of another scale."""
        return super().time() * 1000


@pytest.mark.parametrize("why", ["own clock", "no descriptor"])
def test_where_there_is_no_descriptor_the_loop_keeps_the_time(
    why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        owner = Owner()
        timer = owner.after(60, "never")
        handle = timer.handle
        assert handle is not None
        timer.cancel()
        assert handle.cancelled()
        owner.after(0.001, "call")
        await owner.called.wait()
        assert owner.names == ["call"]

    if why == "no descriptor":
        monkeypatch.setattr(wirespeed._timers, "open_timer", lambda: -1)
    factory = OwnClock if why == "own clock" else asyncio.SelectorEventLoop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(use())
