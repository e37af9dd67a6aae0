"""Plays one scene, with one failing allocation each time, and says what became of each.

Run as a process of its own: `python -m memory.play PORT SCENE FIRST STRIDE`. A line is printed
before and after each point, so that a crash or a hang has a name. Ends after the first point that
the scene does not reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import importlib
import os
import sys
import traceback
import weakref
from dataclasses import dataclass
from typing import Any, Final

from memory import precautions
from memory.losses import is_orphaned
from memory.scenes import SCENES, SETTINGS, Log, Scene, Stage
from memory.verdict import LEFT, Excuses, Report, judge, report_of
from memory.wire import SCRIPTS

import wirespeed

# How long allocation `n` is waited for. A scene takes some milliseconds. On a busy machine the
# first time may be too short; then the point is played again.
PATIENCE_SECONDS: Final = (0.3, 10.0)
# How long the scene may then take, and how long if somebody may wait for what asyncio has lost.
SCENE_SECONDS: Final = 10.0
EXCUSED_SCENE_SECONDS: Final = 0.5
# A blocked loop cannot run its own timer.
POINT_SECONDS: Final = 90.0


def _was_reached(n: int) -> bool:
    """Return whether the allocation number `n` was made: then no further one fails."""
    try:
        for _ in range(n + 1):
            bytes(100)
    except MemoryError:
        return False
    return True


def _awaits(coro: Any) -> str:
    """Return where a coroutine waits, and everything that it waits for."""
    lines: list[str] = []
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "ag_frame", None)
        lines += [f"{coro!r}\n"] if frame is None else traceback.format_stack(frame, 1)
        coro = getattr(coro, "cr_await", None) or getattr(coro, "ag_await", None)
    return "".join(lines)


class Point:
    """One play of a scene, in which allocation number `n` fails."""

    def __init__(self, scene: Scene, base: str, n: int, patience: float) -> None:
        self.scene = scene
        self.n = n
        self.patience = patience
        self.loop = asyncio.new_event_loop()
        self.stage = Stage(base)
        self.bystander: Any = None
        # What the event loop's exception handler was told; not the objects, which must not be kept.
        self.reports: list[Report] = []
        self.outcome: BaseException | None = None
        self.was_reached = False
        # Whether the scene took too long to say whether it makes allocation `n`.
        self.was_cut = False
        self.has_ended = False
        self.hung = False
        self.hung_stack = ""
        self.is_orphaned = False

    async def prepare(self) -> None:
        """Open the connections; the bystander has messages that were not received yet."""
        self.bystander = await wirespeed.connect(self.stage.base + "small", proxy=None)
        await self.bystander.send("go")
        # All of them, so that nothing arrives for it while an allocation fails.
        while self.bystander.pending.messages < len(SCRIPTS["small"].expected):
            await (await self.bystander.ping())
        if not self.scene.opens:
            self.stage.ws = await wirespeed.connect(
                self.stage.base + self.scene.script, **{**SETTINGS, **self.scene.options}
            )
            for helper in self.scene.helpers:
                self.stage.helpers.append(asyncio.create_task(helper(self.stage)))
            await asyncio.sleep(0)
            # Its answer arrives after this turn of the loop.
            if self.scene.script != "echo":
                await self.stage.ws.send("go")

    async def _prepare_and_play(self) -> None:
        await self.prepare()
        loop = self.loop
        self.timer = loop.call_later(self.patience, loop.stop)
        self.scene_task = loop.create_task(self.scene.play(self.stage))
        self.scene_task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        # Not if the event loop has given up before this call.
        if not self.has_ended:
            self.loop.stop()

    def run(self) -> None:
        """Play the scene and judge it."""
        loop = self.loop
        loop.set_exception_handler(lambda _, context: self.reports.append(report_of(context)))
        loop.run_until_complete(self._prepare_and_play())
        run_forever, task = loop.run_forever, self.scene_task
        set_nomemory, remove_mem_hooks = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
        n, after = self.n, self.n + 1
        precautions.prepare(loop)
        set_nomemory(n, after)
        try:
            run_forever()
        except MemoryError:
            # The loop has lost nothing, but may have failed before this.
            asyncio._set_running_loop(None)
        finally:
            reached = _was_reached(n)
            remove_mem_hooks()
        self.timer.cancel()
        task.remove_done_callback(self._end)
        self.has_ended = True
        self.was_reached = reached
        self.was_cut = not reached and not task.done()
        self._finish(task)
        if not task.done() and not is_orphaned(task):
            self.hung = True
            self.hung_stack = _awaits(task.get_coro())
            task.cancel()
            self._finish(task)
        if task.done() and not task.cancelled():
            self.outcome = task.exception()
        self.is_orphaned = self._has_orphans()
        # An orphaned task ends when nothing refers to it; it then leaves the lines it waits in.
        del self.scene_task
        if self.is_orphaned:
            self.stage.helpers.clear()
            self.stage.started = Log()
            del task
            gc.collect()

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Let the scene end; it has less time if it may wait for what asyncio has lost."""
        # Also what the loop has to report, and the tasks that helpers and the scene have made.
        self.loop.run_until_complete(asyncio.sleep(0))
        for seconds in (EXCUSED_SCENE_SECONDS, SCENE_SECONDS):
            if task.done() or is_orphaned(task):
                return
            self.loop.run_until_complete(asyncio.wait([task], timeout=seconds))
            if self._may_have_lost():
                return

    def _may_have_lost(self) -> bool:
        return self._has_orphans() or any(
            report.is_lost_callback or report.runs_all_the_same for report in self.reports
        )

    def _has_orphans(self) -> bool:
        return any(map(is_orphaned, asyncio.all_tasks(self.loop)))


_testcapi: Any = importlib.import_module("_testcapi")


def descriptors() -> int:
    """Count the open descriptors."""
    return len(os.listdir("/proc/self/fd"))


@dataclass
class Played:
    """What became of a point.

    Attributes:
        reached: whether the allocation was made.
        was_cut: whether the scene took too long to say so.
        problems: what went wrong.
        excuses: the reasons for which other problems are excused.
    """

    reached: bool
    was_cut: bool
    problems: list[str]
    excuses: list[str]


def play(scene: Scene, base: str, n: int) -> Played:
    """Play one point, and again with more time if the machine was too busy."""
    for patience in PATIENCE_SECONDS:
        played = _play(scene, base, n, patience)
        if not played.was_cut:
            break
    return played


def _play(scene: Scene, base: str, n: int, patience: float) -> Played:
    before = descriptors()
    point = Point(scene, base, n, patience)
    problems: list[str] = []
    excuses = Excuses()
    try:
        point.run()
        excuses.note(point)
        problems += point.loop.run_until_complete(judge(point, excuses))
    except BaseException as exc:
        problems.append("the judge failed: " + "".join(traceback.format_exception(exc)))
    finally:
        left = [task for task in asyncio.all_tasks(point.loop) if not task.done()]
        problems += [f"{LEFT} a task: {task!r}" for task in left]
        for task in left:
            task.cancel()
        with contextlib.suppress(BaseException):
            point.loop.run_until_complete(asyncio.sleep(0))
        point.loop.close()
        # asyncio loses a reference to a future where `shield` fails, and a future has one to the
        # loop. It must not keep the connections.
        point.loop.set_exception_handler(None)
    played = Played(point.was_reached, point.was_cut, problems, excuses.reasons)
    watched = [weakref.ref(point.bystander)] if point.bystander is not None else []
    if point.stage.ws is not None:
        watched.append(weakref.ref(point.stage.ws))
    del point, left
    # What closes itself while it is collected is collected by the second.
    gc.collect()
    gc.collect()
    if any(each() is not None for each in watched):
        problems.append(f"{LEFT} a connection")
    if descriptors() > before:
        problems.append(f"{LEFT} descriptors: {before} before, {descriptors()} after")
    played.problems = [problem for problem in problems if not excuses.covers(problem)]
    return played


def main(port: str, name: str, first: str, stride: str, last: str = "0") -> None:
    """Play a scene's points until one is not reached."""
    base = f"ws://127.0.0.1:{port}/"
    scene = SCENES[name]
    # When it runs must not depend on how much was allocated before.
    gc.disable()
    # Everything that is made once, before anything fails.
    for n in (1_000_000, 1_000_001):
        play(scene, base, n)
    gc.collect()
    gc.freeze()
    n = int(first)
    while True:
        print(f"begin {n}", flush=True)
        faulthandler.dump_traceback_later(POINT_SECONDS, exit=True)
        played = play(scene, base, n)
        faulthandler.cancel_dump_traceback_later()
        for problem in played.problems:
            print("problem " + problem.replace("\n", "\n  "))
        for excuse in played.excuses:
            print("excuse " + excuse)
        print(f"end {n} {'reached' if played.reached else 'not reached'}", flush=True)
        if not played.reached or n == int(last):
            return
        n += int(stride)


if __name__ == "__main__":
    faulthandler.enable()
    main(*sys.argv[1:])
