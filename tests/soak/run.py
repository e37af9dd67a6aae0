"""Plays connections with random faults for a while; the exit status is the verdict.

All random choices follow from the seed and the key of each connection. Both are printed with
each problem; `--only KEY` plays one connection again.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import itertools
import logging
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from looprunner import LOOP_FACTORIES, Complaints
from soak.client import Client
from soak.faults import ENDINGS, OPENINGS
from soak.growth import ALLOWED_BLOCKS, ALLOWED_MIB, Sample, own_objects, resident_mib
from soak.outcome import Outcome
from soak.renewals import RENEW, Renewals
from soak.roads import name_of
from soak.server_process import Server, serving
from soak.verdict import problems_of

import wirespeed

KINDS: Final = (*ENDINGS, *OPENINGS, RENEW)

# The run ends after this many problems: more would show nothing new.
MAX_PROBLEMS: Final = 20

# A loop that is blocked this long ends the process, with the stack that blocks it.
BLOCKED_SECONDS: Final = 60.0

# How long sockets and tasks may take to go away after all connections have ended.
SETTLE_SECONDS: Final = 30.0


@dataclass
class Plan:
    """The settings of a run.

    Attributes:
        seconds: for how long new connections are opened.
        slots: how many connections there are at a time.
        seed: the seed of all random choices.
        kinds: the faults to choose from.
        only: the key of the one connection to play again and again; empty for any.
    """

    seconds: float
    slots: int
    seed: str
    kinds: tuple[str, ...]
    only: str = ""


@dataclass
class Tally:
    """The results so far."""

    kinds: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    roads: Counter[str] = field(default_factory=Counter)
    renewals: int = 0
    received: int = 0
    dropped: int = 0
    sent: int = 0
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        """Record a problem, and print it at once."""
        self.problems.append(problem)
        print(f"PROBLEM {problem}", flush=True)


class Soak:
    """All connections of one process.

    Attributes:
        tally: the results.
    """

    def __init__(self, plan: Plan, server: Server) -> None:
        self.tally = Tally()
        self._plan = plan
        self._server = server
        self._end = time.monotonic() + plan.seconds

    async def run(self) -> None:
        """Play connections until the time is over."""
        before = Sample.now()
        objects = own_objects()
        blocks = sys.getallocatedblocks()
        watching = asyncio.create_task(self._watch())
        async with asyncio.TaskGroup() as slots:
            for number in range(self._plan.slots):
                slots.create_task(self._slot(number))
        watching.cancel()
        await asyncio.wait([watching])
        faulthandler.cancel_dump_traceback_later()
        await self._judge_rest(before, objects, blocks)
        for problem in self._server.problems:
            self.tally.note(problem)

    def _is_over(self) -> bool:
        return time.monotonic() > self._end or len(self.tally.problems) >= MAX_PROBLEMS

    async def _slot(self, number: int) -> None:
        """Play one connection after another."""
        choose = random.Random(f"{self._plan.seed} {number}")
        count = 0
        while not self._is_over():
            kind = choose.choice(self._plan.kinds)
            await self._play(self._plan.only or f"{kind}/{self._plan.seed}-{number}-{count}")
            count += 1

    async def _play(self, key: str) -> None:
        """Play one connection, or the connections that replace one another."""
        server = self._server
        if key.partition("/")[0] == RENEW:
            renewals = Renewals(server.roads, key, server.expect)
            await renewals.run()
            for outcome in renewals.outcomes:
                await self._judge(outcome)
            server.forget(renewals.keys)
            self.tally.renewals += 1
            return
        server.expect(key)
        client = Client(server.roads, key)
        await client.run()
        await self._judge(client.outcome)
        server.forget([key])

    async def _judge(self, outcome: Outcome) -> None:
        """Compare what both ends tell of a connection, and add it to the results."""
        tally = self.tally
        # If the opening failed, the server may have received nothing, or too late, and then sends
        # no report.
        is_told = outcome.is_open or outcome.problems
        report = await self._server.report(outcome.key) if is_told else None
        tally.kinds[outcome.kind] += 1
        tally.roads[name_of(outcome.options)] += 1
        if outcome.info is not None:
            tally.causes[outcome.info.cause.name] += 1
        tally.received += sum(map(len, outcome.shares))
        tally.dropped += len(outcome.dropped)
        tally.sent += outcome.sent
        for problem in problems_of(outcome, report):
            tally.note(f"{outcome.key} ({outcome.way}, {name_of(outcome.options)}): {problem}")

    async def _watch(self) -> None:
        """Report now and then, and end the process if the loop is blocked."""
        began = time.monotonic()
        for count in itertools.count(1):
            faulthandler.dump_traceback_later(BLOCKED_SECONDS, exit=True)
            if count % 10 == 0:
                made, seconds = self.tally.kinds.total(), time.monotonic() - began
                print(f"{seconds:5.0f} s: {made} connections, {Sample.now()}", flush=True)
            await asyncio.sleep(1.0)

    async def _judge_rest(self, before: Sample, objects: Counter[str], blocks: int) -> None:
        """Compare what is left with what existed at the start."""
        give_up = time.monotonic() + SETTLE_SECONDS
        after = Sample.now()
        while (after.descriptors, after.tasks) != (before.descriptors, before.tasks):
            if time.monotonic() > give_up:
                self.tally.note(f"left behind: {after}, at the start {before}")
                break
            await asyncio.sleep(0.05)
            after = Sample.now()
        left = own_objects() - objects
        mib = resident_mib() - before.memory
        print(f"memory: {mib:.1f} MiB more than at the start, allowed are {ALLOWED_MIB:.0f}")
        more = sys.getallocatedblocks() - blocks
        print(f"left: {after}, at the start {before}; objects: {dict(left) or 'none'}")
        print(f"memory blocks in use: {more} more than at the start, allowed are {ALLOWED_BLOCKS}")
        if mib > ALLOWED_MIB:
            self.tally.note(f"{mib:.1f} MiB left behind")
        if more > ALLOWED_BLOCKS:
            self.tally.note(f"{more} memory blocks left behind")
        if left:
            self.tally.note(f"objects left behind: {dict(left)}")


async def soak(plan: Plan) -> Tally:
    """Start the server, and run."""
    async with serving() as server:
        run = Soak(plan, server)
        await run.run()
        return run.tally


def main() -> int:
    """Run the soak."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--loop", choices=LOOP_FACTORIES, default="asyncio")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--kinds", default=",".join(KINDS), help="faults, separated by commas")
    parser.add_argument("--seed", default=os.urandom(4).hex())
    parser.add_argument("--only", default="", metavar="KEY", help="play one connection again")
    given = parser.parse_args()
    slots = 1 if given.only else given.connections
    plan = Plan(given.seconds, slots, given.seed, tuple(given.kinds.split(",")), given.only)
    what = f"{given.loop}, {wirespeed.implementation}, seed {plan.seed}"
    print(f"soak: {what}, {slots} connections for {plan.seconds:g} s", flush=True)
    # Failed attempts to connect again are part of the plan.
    logging.getLogger("wirespeed").addHandler(logging.NullHandler())
    complaints = Complaints()
    with complaints.collected():
        with asyncio.Runner(loop_factory=LOOP_FACTORIES[given.loop]) as runner:
            runner.get_loop().set_exception_handler(complaints.add_context)
            tally = runner.run(soak(plan))
        gc.collect()
    for text in complaints.texts:
        tally.note(text)
    return conclude(what, tally)


def conclude(what: str, tally: Tally) -> int:
    """Print the summary; return the exit status."""
    print(f"{tally.kinds.total()} connections: {listed(tally.kinds)}")
    print(f"roads: {listed(tally.roads)}; {tally.renewals} times one replaced another")
    print(f"{tally.causes.total()} of them opened and ended: {listed(tally.causes)}")
    lost, doubled = (
        sum(word in text for text in tally.problems) for word in ("lost: ", "doubled: ")
    )
    print(
        f"messages: {tally.received} received, {tally.dropped} dropped as told, {tally.sent} sent"
    )
    print(f"connections that lost messages: {lost}, that doubled messages: {doubled}")
    verdict = f"FAILED, {len(tally.problems)} problems" if tally.problems else "passed"
    print(f"soak: {what}: {verdict}")
    return 1 if tally.problems else 0


def listed(counts: Counter[str]) -> str:
    """Format counts as text."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
