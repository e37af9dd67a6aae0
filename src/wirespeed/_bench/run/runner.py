"""Runs a plan: the contenders take turns, so that disturbances of the machine affect all alike."""

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
    """What to measure.

    Attributes:
        cases: works, each with the name of the event loop on which it runs.
        contenders: the contenders to measure.
        rounds: how many turns each contender has.
        seconds: about how long one turn takes.
        paced_seconds: how long one turn with a paced feed takes.
    """

    cases: Sequence[tuple[Work, str]]
    contenders: Sequence[Contender]
    rounds: int
    seconds: float
    paced_seconds: float

    def rounds_of(self, work: Work) -> int:
        """Return the number of rounds; one for memory, which does not differ between rounds."""
        return 1 if work.kind == "memory" else self.rounds

    def seconds_of(self, work: Work) -> float:
        """Return how long a turn takes."""
        return self.paced_seconds if work.kind == "paced" else self.seconds


class Listener(Protocol):
    """Receives the progress of the benchmark."""

    def step(self, case: Case, number: int, of: int, what: str) -> None:
        """Take the step that begins now: case `number` of `of`, and what is done."""

    def finished(self, case: Case) -> None:
        """Take a case whose rounds are all done."""


class Benchmark:
    """Runs a plan.

    Attributes:
        cases: the cases that are completely measured.
        about: the versions and settings of each contender, as its worker reports them.
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
            # A process that has done other work has free memory that it would use first.
            self._end_workers()
        for contender in taking_part:
            self._step(case, f"{contender.name} warms up")
            seconds = self._plan.seconds_of(work)
            opening = {"work": as_json(work), "ports": ports, "seconds": seconds}
            self._command(case, contender, "open", **opening)
        for number in range(self._plan.rounds_of(work)):
            # Rotate the order, so that the same contender does not always come first.
            first = number % max(len(taking_part), 1)
            for contender in taking_part[first:] + taking_part[:first]:
                if contender.name in case.errors:
                    continue
                self._step(case, f"round {number + 1}: {contender.name}")
                figures = self._command(case, contender, "round")
                if figures is not None:
                    case.rounds.setdefault(contender.name, []).append(figures)
                if work.kind == "memory":
                    # Its thousands of connections use up file descriptors of the server.
                    self._worker(contender, loop).end()
        if work.kind != "memory":
            self._close(case, taking_part)
        return case

    def _close(self, case: Case, taking_part: list[Contender]) -> None:
        for contender in taking_part:
            if contender.name not in case.errors:
                # An error here affects no figure. The next work gets a new process.
                with contextlib.suppress(Failed):
                    self._worker(contender, case.loop).command("close")

    def _command(
        self, case: Case, contender: Contender, do: str, **arguments: Any
    ) -> dict[str, Any] | None:
        """Send a command to a contender; if it fails, note the error in the case."""
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
