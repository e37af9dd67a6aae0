"""The server process: causes one fault for each connection, named by the path of its URL.

Does not use the package under test. The first line of its output is where it listens. After that
comes one line for each connection that has ended: its report. The process ends when its input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
import traceback
from typing import Final

from rawserver import RawConnection
from soak.faults import ENDINGS, OPENINGS
from soak.peer import BadClientError, Peer
from soak.report import Report
from soak.roads import build
from soak.waiting import HangError, all_done

# The limit for one connection's writing. It is shorter than any wait of the client, so that this
# side reports a problem before the client leaves.
WRITING_SECONDS: Final = 25.0
# The limit for what the client has to do. It ends these kinds of connections; one of them may wait
# until the next one is open, which takes many round trips.
WAIT_SECONDS: Final = 90.0
ENDED_BY_CLIENT: Final = frozenset({"deaf", "endless"})

# The limit for the connections that are left at the end.
END_SECONDS: Final = 20.0


def tell(report: Report) -> None:
    """Print a report."""
    print(report.to_line(), flush=True)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do to one connection what its path says, and report on it."""
    connection = RawConnection(reader, writer)
    report = Report("")
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            upgrade = await connection.read_upgrade()
        report.key = upgrade.line.split()[1].removeprefix("/")
        kind = report.key.partition("/")[0]
        if kind in OPENINGS:
            await OPENINGS[kind](connection, upgrade)
            async with asyncio.timeout(WAIT_SECONDS):
                await connection.read_rest()
        else:
            peer = Peer(connection, report.key)
            report = peer.report
            await peer.accept(upgrade)
            await play(peer, kind)
    except (asyncio.IncompleteReadError, ConnectionError):
        # The client gave up during the opening.
        pass
    except Exception as exc:
        report.problem = report.problem or "".join(traceback.format_exception(exc))
    finally:
        await connection.end(abort=True)
        if report.key:
            tell(report)


async def play(peer: Peer, kind: str) -> None:
    """Write and read until both are over."""
    reading = asyncio.create_task(peer.read(), name=f"{peer.report.key} reading")
    writing = asyncio.create_task(write(peer, kind), name=f"{peer.report.key} writing")
    try:
        await all_done([writing], WAIT_SECONDS if kind in ENDED_BY_CLIENT else WRITING_SECONDS)
        writing.result()
        await all_done([reading], WAIT_SECONDS)
        reading.result()
    except (BadClientError, HangError) as exc:
        peer.report.problem = f"{exc}, {peer.report}"
    finally:
        for task in (reading, writing):
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def write(peer: Peer, kind: str) -> None:
    """Play the writing part. It ends if the client is gone."""
    with contextlib.suppress(ConnectionError):
        await ENDINGS[kind](peer)


async def main() -> None:
    """Serve until the standard input ends."""
    servers, roads = await build(serve)
    print(json.dumps(dataclasses.asdict(roads)), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    for server in servers:
        server.close()
    # These tasks end by themselves, as their clients are gone. If they were cancelled, asyncio
    # would complain.
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=END_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
