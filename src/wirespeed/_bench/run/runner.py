"""Lets the contenders take turns, so that whatever the machine does meets all of them alike.

Must not know how a client works, nor how the figures are shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..contenders import Contender
from ..figures import Case
from ..machine import cores
from ..works import Work, as_json
from .processes import Failed, WorkerProcess, serving


@dataclass(frozen=True)
class Plan:
    """What shall be measured.

    Attributes:
        cases: each work with the event loop on which it runs.
        rounds: how often each contender has its turn.
        seconds: about how long one turn takes.
        paced_seconds: how long one turn takes with a paced feed.
    """

    cases: Sequence[tuple[Work, str]]
    contenders: Sequence[Contender]
    rounds: int
    seconds: float
    paced_seconds: float

    def rounds_of(self, work: Work) -> int:
        """Return how many rounds there are; memory does not differ from round to round."""
        return 1 if work.kind == "memory" else self.rounds

    def seconds_of(self, work: Work) -> float:
        """Return how long a turn takes."""
        return self.paced_seconds if work.kind == "paced" else self.seconds


class Listener(Protocol):
    """Is told how far the benchmark has come."""

    def step(self, case: Case, number: int, of: int, what: str) -> None:
        """Something begins."""

    def finished(self, case: Case) -> None:
        """All rounds of a case are done."""


class Benchmark:
    """Runs a plan.

    Attributes:
        cases: what is measured completely.
        about: what each contender told of itself.
    """

    def __init__(self, plan: Plan, listener: Listener) -> None:
        self.cases: list[Case] = []
        self.about: dict[str, dict[str, Any]] = {}
        self._plan = plan
        self._listener = listener
        self._workers: dict[tuple[str, str], WorkerProcess] = {}
        self._client_core, self._server_core = cores()

    def run(self) -> None:
        """Measure everything.

        Raises:
            Failed: the server did not start.
        """
        with serving(self._server_core) as ports, self._ending_workers():
            for work, loop in self._plan.cases:
                self.cases.append(self._case(work, loop, ports))
                self._listener.finished(self.cases[-1])

    def _case(self, work: Work, loop: str, ports: dict[str, int]) -> Case:
        case = Case(work, loop)
        taking_part = [
            contender for contender in self._plan.contenders if contender.takes_part_in(work)
        ]
        if work.kind == "memory":
            # A process that has done something else has memory to spare.
            self._end_workers()
        for contender in taking_part:
            self._step(case, f"{contender.name} warms up")
            seconds = self._plan.seconds_of(work)
            opening = {"work": as_json(work), "ports": ports, "seconds": seconds}
            self._command(case, contender, "open", **opening)
        for number in range(self._plan.rounds_of(work)):
            # Nobody always comes after the same one.
            first = number % max(len(taking_part), 1)
            for contender in taking_part[first:] + taking_part[:first]:
                if contender.name in case.errors:
                    continue
                self._step(case, f"round {number + 1}: {contender.name}")
                figures = self._command(case, contender, "round")
                if figures is not None:
                    case.rounds.setdefault(contender.name, []).append(figures)
                if work.kind == "memory":
                    # Its thousands of connections would take the server's descriptors from others.
                    self._worker(contender, loop).end()
        if work.kind != "memory":
            self._close(case, taking_part)
        return case

    def _close(self, case: Case, taking_part: list[Contender]) -> None:
        for contender in taking_part:
            if contender.name not in case.errors:
                # What goes wrong now is not measured any more; the next work has a new process.
                with contextlib.suppress(Failed):
                    self._worker(contender, case.loop).command("close")

    def _command(
        self, case: Case, contender: Contender, do: str, **arguments: Any
    ) -> dict[str, Any] | None:
        """Let a contender do something; what fails is noted in the case."""
        worker = self._worker(contender, case.loop)
        try:
            if contender.name not in self.about:
                self.about[contender.name] = worker.command("hello")
            return worker.command(do, **arguments)
        except Failed as exc:
            case.errors[contender.name] = str(exc)
            return None

    def _worker(self, contender: Contender, loop: str) -> WorkerProcess:
        place = (contender.name, loop)
        if place not in self._workers:
            self._workers[place] = WorkerProcess(contender, loop, self._client_core)
        return self._workers[place]

    def _step(self, case: Case, what: str) -> None:
        self._listener.step(case, len(self.cases) + 1, len(self._plan.cases), what)

    def _end_workers(self) -> None:
        for worker in self._workers.values():
            worker.end()

    @contextlib.contextmanager
    def _ending_workers(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._end_workers()
