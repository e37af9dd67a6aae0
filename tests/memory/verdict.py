"""Judges what became of a point: what must hold after any one allocation has failed."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from memory.losses import is_lost_callback, runs_all_the_same
from memory.scenes import Part
from memory.wire import SMALL, Payload

import wirespeed

if TYPE_CHECKING:
    from memory.play import Point

# Each step of the judge, and if somebody may wait for what asyncio has lost. The peer is on the
# same machine, which may be busy.
STEP_SECONDS: Final = 10.0
EXCUSED_STEP_SECONDS: Final = 1.0
# How problems begin that the loss of a task or a callback explains.
HANGS: Final = "hangs:"
LEFT: Final = "is left:"
PROBE: Final = "is anybody there?"


class Excuses:
    """What asyncio or the interpreter did wrong at a point, as its own reports show."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def note(self, point: Point) -> None:
        """Read the reports of a point."""
        if point.is_orphaned:
            self.reasons.append("asyncio lost a task")
        if any(report.is_lost_callback for report in point.reports):
            self.reasons.append("asyncio lost a callback")
        outcome = point.outcome
        if any(report.runs_all_the_same for report in point.reports) or (
            outcome is not None and runs_all_the_same(outcome)
        ):
            self.reasons.append("create_task raised, and its task runs")

    def step_seconds(self) -> float:
        """Return how long one step of the judge may take."""
        return EXCUSED_STEP_SECONDS if self.reasons else STEP_SECONDS

    def covers(self, problem: str) -> bool:
        """Return whether a problem is only that somebody waits for what asyncio has lost."""
        is_wait = problem.startswith((HANGS, LEFT, "lost:", "sent, but", "(report)"))
        return bool(self.reasons) and is_wait


@dataclass(frozen=True)
class Report:
    """What the loop's exception handler was told, without the objects.

    Attributes:
        text: the message and the traceback.
        is_expected: whether it is an error that a failing allocation explains.
        is_lost_callback: whether the event loop failed before it called a callback.
        runs_all_the_same: whether a task runs although `create_task` has raised.
    """

    text: str
    is_expected: bool
    is_lost_callback: bool = False
    runs_all_the_same: bool = False


def report_of(context: dict[str, Any]) -> Report:
    """Make a report of what the handler was called with."""
    exc = context.get("exception")
    text = f"{context.get('message')} {context.get('handle')}"
    if exc is None:
        return Report(text, True)
    return Report(
        f"{text}\n" + "".join(traceback.format_exception(exc)),
        isinstance(exc, MemoryError | wirespeed.WebSocketError | OSError) or is_forgotten(exc),
        "handle" in context and is_lost_callback(exc),
        runs_all_the_same(exc),
    )


def is_forgotten(exc: BaseException) -> bool:
    """Return whether CPython has failed without an error: its own code, called by asyncio's."""
    frames = traceback.extract_tb(exc.__traceback__)
    return isinstance(exc, SystemError) and "/lib/python" in frames[-1].filename


async def judge(point: Point, excuses: Excuses) -> list[str]:
    """Return what is wrong with a point."""
    problems: list[str] = []
    if point.hung:
        problems.append(f"{HANGS} the scene\n" + point.hung_stack)
    problems += _strange_reports(point)
    outcome = point.outcome
    if outcome is not None and not (
        isinstance(outcome, MemoryError | wirespeed.WebSocketError | OSError)
        or is_forgotten(outcome)
    ):
        problems.append("the scene raised " + "".join(traceback.format_exception(outcome)))
    # Cancelling a receive loses nothing; what a helper takes from now on would be missed.
    helpers = [*point.stage.helpers, *point.stage.started.items()]
    for helper in helpers:
        helper.cancel()
    if helpers:
        await asyncio.wait(helpers, timeout=excuses.step_seconds())
    ws = point.stage.ws
    if ws is not None:
        problems += await _judge_connection(point, ws, excuses.step_seconds())
    problems += await _judge_bystander(point)
    # Closed transports need a few turns of the loop.
    for _ in range(20):
        if len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0.001)
    if problems:
        problems += ["(report) " + report.text for report in point.reports]
    return problems


def _strange_reports(point: Point) -> list[str]:
    return [
        f"reported to the loop: {report.text}" for report in point.reports if not report.is_expected
    ]


async def _judge_connection(point: Point, ws: Any, seconds: float) -> list[str]:
    """Check that the connection works, or has failed and says so."""
    stage, scene = point.stage, point.scene
    rest: list[Any] = []
    if scene.drops:
        # Else there may be no room for the answer to the probe.
        with contextlib.suppress(asyncio.QueueEmpty, wirespeed.WebSocketError):
            while True:
                rest.append(ws.receive_nowait().data)
    problems: list[str] = []
    is_alive = await _tell(problems, "a send", _probe(point, ws), seconds)
    if not await _tell(problems, "a receive", _receive_rest(point, ws, rest), seconds):
        is_alive = False
    # The peer of some scenes closes after all that was received.
    if is_alive and ws.closed and await _tell(problems, "the last receive", ws.receive(), seconds):
        problems.append("closed, but says nothing")
    tried = stage.tried.items()
    if tried:
        got = [*stage.received.items(), *rest]
        sent = stage.sent.items() if is_alive else []
        problems += _judge_echoes(tried, sent, got, is_unordered=bool(scene.helpers))
    else:
        problems += _judge_messages(point, rest, scene.expected(), is_alive)
    await _tell(problems, "close", ws.close(), seconds)
    return problems


async def _tell(
    problems: list[str], name: str, call: Coroutine[Any, Any, None], seconds: float
) -> bool:
    """Wait for a call, which must not hang; return whether it found the connection alive."""
    try:
        await asyncio.wait_for(call, seconds)
    except TimeoutError:
        problems.append(f"{HANGS} {name}")
    except wirespeed.WebSocketError:
        return False
    except BaseException as exc:
        problems.append(f"{name} raised " + "".join(traceback.format_exception(exc)))
    return True


async def _probe(point: Point, ws: Any) -> None:
    if any("_end_tick" in report.text for report in point.reports):
        # asyncio has lost the call that writes what is gathered.
        await ws.flush()
    await ws.send(PROBE)
    await ws.flush()


async def _receive_rest(point: Point, ws: Any, rest: list[Any]) -> None:
    was_answered = False
    missing = _count_missing(point, point.scene.expected())
    while missing > 0 or not was_answered:
        message = (await ws.receive()).data
        if message in (PROBE, PROBE.encode()):
            was_answered = True
        else:
            rest.append(message)
            missing -= 1


def _count_missing(point: Point, expected: list[Payload]) -> int:
    """Count the messages that must still arrive before the answer to the probe proves anything."""
    if point.scene.drops or point.stage.tried.count:
        return 0
    received = point.stage.received.items()
    # A stream of which nothing was taken has left its message.
    taken = [each for each in received if not isinstance(each, Part) or each.was_taken()]
    return len(expected) - len(taken)


def _short(messages: list[Any]) -> str:
    return repr([repr(message)[:24] for message in messages])


def _judge_echoes(
    tried: list[Payload], sent: list[Payload], got: list[Payload], *, is_unordered: bool
) -> list[str]:
    """Check that what was sent came back, in order and once; what was only tried may."""
    if is_unordered:
        tried = sorted(tried, key=str)
        got = sorted(got, key=str)
    position = 0
    for message in got:
        while position < len(tried) and tried[position] != message:
            position += 1
        if position == len(tried):
            return [f"echoed out of order, doubled or damaged: {_short(got)}"]
        position += 1
    missing = [message for message in sent if sent.count(message) > got.count(message)]
    return [f"sent, but not echoed: {_short(missing)}"] if missing else []


def _judge_messages(
    point: Point, rest: list[Any], expected: list[Payload], is_alive: bool
) -> list[str]:
    """Check that the messages came in order, whole, and all of them while the connection lives."""
    received = point.stage.received.items()
    if point.scene.merges or (point.scene.helpers and not point.scene.lanes):
        # Several consumers log in the order in which they run.
        order = {message: place for place, message in enumerate(expected)}
        received.sort(key=lambda message: order.get(message, -1))
    got = [*received, *rest]
    if point.scene.merges:
        got.sort(key=lambda message: order.get(message, -1))
    if point.scene.lanes:
        return [
            problem
            for kind in (str, bytes)
            for problem in _compare(
                [each for each in got if isinstance(each, kind)],
                [each for each in expected if isinstance(each, kind)],
                is_alive,
                False,
            )
        ]
    return _compare(got, expected, is_alive, point.scene.drops)


def _compare(got: list[Any], expected: list[Payload], is_alive: bool, drops: bool) -> list[str]:
    position = 0
    for message in got:
        while position < len(expected) and not _is(message, expected[position]):
            if not drops:
                return [
                    f"lost or damaged {_short(expected[position : position + 1])}: {_short(got)}"
                ]
            position += 1
        if position == len(expected):
            return [f"out of order, doubled or damaged: {_short(got)}"]
        # A stream of which nothing was taken has left its message to the next receive.
        if not isinstance(message, Part) or message.was_taken():
            position += 1
    if is_alive and not drops and position < len(expected):
        return [f"lost: {_short(expected[position:])}, got {_short(got)}"]
    return []


def _is(message: Any, expected: Payload) -> bool:
    if isinstance(message, Part):
        return message.begins(expected)
    return type(message) is type(expected) and bool(message == expected)


async def _judge_bystander(point: Point) -> list[str]:
    """Check that another connection of the same loop is untouched."""
    ws = point.bystander
    try:
        async with asyncio.timeout(STEP_SECONDS):
            got = [(await ws.receive()).data for _ in range(len(SMALL) + 1)]
            if got != [*SMALL, "last"]:
                return [f"the other connection received {_short(got)}"]
            await ws.send("x" * 70_000)
            if await ws.receive_text() != "x" * 70_000:
                return ["the other connection received another text"]
            await ws.close()
    except BaseException as exc:
        return ["the other connection: " + "".join(traceback.format_exception(exc))]
    return []
