"""Keeps account of connections, open and ended. Public name: `ConnectionMetrics`.

Knows no monitoring system.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from .._base.stats import Stats
from ..connection import WebSocketConnection
from ._catalogue import COUNTERS

__all__ = ["ConnectionMetrics"]

# A connection is read in the thread of its event loop. A loop that does not answer in this time is
# busy; what it told last counts then.
_PATIENCE_SECONDS: Final = 1.0


class _Sample(NamedTuple):
    """What one connection told."""

    stats: Stats
    is_open: bool
    was_opened: bool


@dataclass(slots=True)
class _Member:
    """One connection, which may have ended.

    Attributes:
        name: the name of its group.
        loop: its event loop.
        connection: a weak reference to it.
        sample: what it told last; `None` if it was never asked.
    """

    name: str
    loop: asyncio.AbstractEventLoop
    connection: weakref.ref[WebSocketConnection]
    sample: _Sample | None = None


@dataclass(slots=True)
class _Total:
    """What the connections of one group that are gone add up to."""

    opened: int = 0
    counters: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    last_received_at: float | None = None

    def add(self, sample: _Sample) -> None:
        self.opened += sample.was_opened
        for name in COUNTERS:
            self.counters[name] += getattr(sample.stats, name)
        self.last_received_at = _later(self.last_received_at, sample.stats.last_received_at)


class ConnectionMetrics:
    """Counts the connections that are made with `connections`, open and ended.

    It only has weak references to them, and keeps the sums of those that are gone. So counters
    never go down, also not when one connection takes the place of another.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._members: dict[int, _Member] = {}
        # Only appended to by `__del__`, which may run in any thread, wherever that holds a lock.
        self._gone: deque[tuple[int, _Sample | None]] = deque()
        self._totals: dict[str, _Total] = {}
        self._lock = threading.Lock()

    def connections(
        self, name: str, kind: type[WebSocketConnection] = WebSocketConnection
    ) -> type[WebSocketConnection]:
        """Return the class of the connections that count under `name`.

        Pass it to `connect` as `create_connection`. With `async for ws in connect(...)`, each
        connection counts.

        Args:
            name: the value of the label `name`, such as the name of a feed. Connections with the
                same name are added up.
            kind: the class to derive it from.

        Raises:
            TypeError: `name` is not a `str`, or `kind` no class of connections.
        """
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}")
        if not (isinstance(kind, type) and issubclass(kind, WebSocketConnection)):
            raise TypeError("kind must be WebSocketConnection or a subclass of it")
        metrics = self
        with self._lock:
            self._totals.setdefault(name, _Total())

        class Counted(kind):  # type: ignore[misc, valid-type]
            __slots__ = ("_number",)

            def __init__(self, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
                super().__init__(loop, **options)
                self._number = metrics._add(name, loop, self)

            def __del__(self) -> None:
                number = getattr(self, "_number", None)
                if number is not None:
                    metrics._gone.append((number, _sample_of(self)))
                super().__del__()

        Counted.__name__ = kind.__name__
        Counted.__qualname__ = kind.__qualname__
        return Counted

    def read(self) -> Mapping[str, Mapping[str, float]]:
        """Return the present values: for each name, those of the metrics.

        May be called from any thread. A connection is read in the thread of its event loop; if that
        is busy for more than a second, what it told last counts.
        """
        with self._lock:
            members = list(self._members.values())
        _ask(members)
        with self._lock:
            self._take_gone()
            groups: dict[str, list[_Sample]] = {name: [] for name in self._totals}
            for member in self._members.values():
                if member.sample is not None:
                    groups[member.name].append(member.sample)
            return {name: _values(self._totals[name], groups[name]) for name in groups}

    def _add(
        self, name: str, loop: asyncio.AbstractEventLoop, connection: WebSocketConnection
    ) -> int:
        number = next(self._numbers)
        member = _Member(name, loop, weakref.ref(connection))
        with self._lock:
            self._members[number] = member
            # Here as well, so that no more than the connections themselves pile up without a read.
            self._take_gone()
        return number

    def _take_gone(self) -> None:
        while self._gone:
            number, sample = self._gone.popleft()
            member = self._members.pop(number)
            last = sample or member.sample
            if last is not None:
                self._totals[member.name].add(last)


def _ask(members: Iterable[_Member]) -> None:
    """Take a sample of each connection, in the thread of its event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Member]] = {}
    for member in members:
        by_loop.setdefault(member.loop, []).append(member)
    answers = []
    for loop, own in by_loop.items():
        if loop.is_running() and not _runs_here(loop):
            answer: Future[None] = Future()
            try:
                loop.call_soon_threadsafe(_answer, own, answer)
            except RuntimeError:
                # The loop was closed in the meantime.
                continue
            answers.append(answer)
        else:
            _sample_all(own)
    wait(answers, timeout=_PATIENCE_SECONDS)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _answer(members: list[_Member], answer: Future[None]) -> None:
    _sample_all(members)
    answer.set_result(None)


def _sample_all(members: list[_Member]) -> None:
    for member in members:
        connection = member.connection()
        if connection is not None:
            member.sample = _sample_of(connection) or member.sample


def _sample_of(connection: WebSocketConnection) -> _Sample | None:
    """Read a connection; return `None` in another thread than its own."""
    try:
        stats = connection.stats
    except RuntimeError:
        return None
    try:
        was_opened = bool(connection.response)
    except RuntimeError:
        was_opened = False
    return _Sample(stats, was_opened and not connection.closed, was_opened)


def _values(total: _Total, samples: list[_Sample]) -> dict[str, float]:
    """Put a group together: what is gone, and what is still there."""
    present = [sample.stats for sample in samples if sample.is_open]
    values: dict[str, float] = {
        "open": len(present),
        "opened": total.opened + sum(sample.was_opened for sample in samples),
        "queue_depth": sum(stats.queue_depth for stats in present),
        "max_queue_depth": max((stats.max_queue_depth for stats in present), default=0),
    }
    for name in COUNTERS:
        values[name] = total.counters[name] + sum(getattr(one.stats, name) for one in samples)
    round_trips = [stats.latency.smoothed for stats in present if stats.latency is not None]
    if round_trips:
        values["round_trip"] = max(round_trips)
    last = total.last_received_at
    for sample in samples:
        last = _later(last, sample.stats.last_received_at)
    if last is not None:
        values["last_received"] = time.time() - (time.monotonic() - last)
    return values


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
