"""Runs the server's process for the client: starts it, collects its reports, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from soak.report import Report
from soak.roads import Roads

TESTS: Final = Path(__file__).parents[1]

# All deadlines of the server are shorter than this. After it, no report will come.
REPORT_SECONDS: Final = 120.0
END_SECONDS: Final = 30.0


class Server:
    """The process of `soak.server`.

    Attributes:
        roads: the ways to it.
        problems: problems from reports that arrived after `forget`.
    """

    def __init__(self, process: Process, roads: Roads) -> None:
        self.roads = roads
        self._process = process
        self.problems: list[str] = []
        self._expected: dict[str, asyncio.Future[Report]] = {}
        self._reading = asyncio.create_task(self._read())

    def expect(self, key: str) -> None:
        """Keep the report of a connection until `forget`."""
        self._expected[key] = asyncio.get_running_loop().create_future()

    async def report(self, key: str) -> Report | None:
        """Wait for the report of a connection. Return `None` if none arrives in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPORT_SECONDS):
                return await self._expected[key]
        return None

    def forget(self, keys: Iterable[str]) -> None:
        """Drop the reports of connections."""
        for key in keys:
            del self._expected[key]

    async def _read(self) -> None:
        if self._process.stdout is None:
            raise RuntimeError("the server's output is not a pipe")
        while line := await self._process.stdout.readline():
            report = Report.from_line(line)
            if report.key in self._expected:
                # Whoever waited may have given up.
                if not self._expected[report.key].done():
                    self._expected[report.key].set_result(report)
            elif report.problem:
                self.problems.append(f"{report.key}: the server saw: {report.problem}")

    async def end(self) -> int:
        """Let the process end, and return its exit status."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._reading
                return await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Start the server; end it when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "soak.server"), stdin=PIPE, stdout=PIPE
    )
    if process.stdout is None:
        raise RuntimeError("the server's output is not a pipe")
    server = Server(process, Roads(**json.loads(await process.stdout.readline())))
    try:
        yield server
    finally:
        await server.end()
