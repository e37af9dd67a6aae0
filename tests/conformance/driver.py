"""Takes an echo client through cases of a fuzzing server, with Autobahn's protocol.

It returns the server's verdicts unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

import wirespeed

# As long as the suite itself waits for its longest cases.
CASE_SECONDS: Final = 480.0

_SERVER: Final = Path(__file__).with_name("fuzzing_server.py")


class Verdict(NamedTuple):
    """The fuzzing server's verdict on one case."""

    case_id: str
    behavior: str
    behavior_close: str
    explanation: str


async def run_cases(
    cases: Sequence[str], compression: wirespeed.Deflate | None = None
) -> list[Verdict]:
    """Run `cases` against the client in the order of the suite, offering `compression`."""
    async with _fuzzing_server(cases) as (url, output):
        async with wirespeed.connect(f"{url}/getCaseCount") as connection:
            count = int(await connection.receive_text())
        for number in range(1, count + 1):
            case_url = f"{url}/runCase?case={number}&agent=wirespeed"
            await _run_case(case_url, number, cases, compression)
        # The server ends its run with this connection, without a closing handshake.
        with contextlib.suppress(wirespeed.ConnectionDisconnected):
            async with wirespeed.connect(f"{url}/updateReports?agent=wirespeed") as connection:
                await connection.receive()
        line = await asyncio.to_thread(output.readline)
    return [Verdict(*entry) for entry in json.loads(line)]


async def _run_case(
    url: str, number: int, cases: Sequence[str], compression: wirespeed.Deflate | None
) -> None:
    try:
        async with asyncio.timeout(CASE_SECONDS):
            await _echo(url, compression)
    except Exception as exc:
        case = cases[number - 1] if number <= len(cases) else "that was not asked for"
        exc.add_note(f"in case {case}, which is number {number}")
        raise


async def _echo(url: str, compression: wirespeed.Deflate | None) -> None:
    # Many cases end with an error or without a closing handshake. The server judges them.
    with contextlib.suppress(wirespeed.ConnectionDisconnected, wirespeed.ProtocolError):
        # The suite takes a Ping that it does not expect for the end of a case.
        async with wirespeed.connect(
            url, compression=compression, ping_interval=None
        ) as connection:
            async for message in connection:
                await connection.send(message)


@contextlib.asynccontextmanager
async def _fuzzing_server(cases: Sequence[str]) -> AsyncIterator[tuple[str, IO[str]]]:
    """Yield the server's URL, and its output after the line with the URL."""
    process = subprocess.Popen(
        [sys.executable, str(_SERVER), *cases],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = (await asyncio.to_thread(process.stdout.readline)).strip()
            assert url.startswith("ws://"), f"the fuzzing server did not start: {url!r}"
            yield url, process.stdout
            process.stdin.close()
        finally:
            process.kill()
