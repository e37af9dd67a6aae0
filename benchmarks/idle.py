"""The memory of many idle connections in one process, with keep-alive on.

Usage: `python -m benchmarks.idle [CONNECTIONS]`, 10,000 by default. It needs Linux, as many open
files (`ulimit -n`), and the package `websockets` for the server, which is a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from pathlib import Path
from typing import Final

from websockets.asyncio.server import ServerConnection, serve

import wirespeed

BEFORE: Final = 20
AT_ONCE: Final = 100
# Keep-alive sends a Ping every 20 seconds.
WAIT_SECONDS: Final = 25.0


async def hold(connection: ServerConnection) -> None:
    """Send nothing."""
    await connection.wait_closed()


async def run_server() -> None:
    """Serve until the standard input ends."""
    async with serve(
        hold, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=AT_ONCE
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        # Closing each connection in turn would take longer than the measurement.
        os._exit(0)


def resident() -> float:
    """Return the resident memory of this process, in KiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


async def open_many(url: str, count: int) -> list[wirespeed.WebSocketConnection]:
    """Open connections, some at a time."""
    made: list[wirespeed.WebSocketConnection] = []
    while len(made) < count:
        some = min(AT_ONCE, count - len(made))
        made += await asyncio.gather(
            *(wirespeed.connect(url, open_timeout=60) for _ in range(some))
        )
    return made


async def measure(url: str, count: int) -> None:
    """Open the connections, and print what they cost."""
    # What the first ones bring, such as imports, belongs to none of them.
    few = await open_many(url, BEFORE)
    before = resident()
    many = await open_many(url, count)
    opened = resident()
    print(f"{count:,} connections: {(opened - before) / count:.2f} KiB each", flush=True)
    tasks = [asyncio.create_task(ws.receive()) for ws in many]
    await asyncio.sleep(0)
    print(f"with a task that waits in receive(): {(resident() - before) / count:.2f} KiB each")
    spent = time.process_time()
    pings = -sum(ws.stats.pings_sent for ws in many)
    await asyncio.sleep(WAIT_SECONDS)
    spent = (time.process_time() - spent) * 1e6
    pings += sum(ws.stats.pings_sent for ws in many)
    answered = sum(ws.latency is not None for ws in many)
    print(
        f"after {WAIT_SECONDS:g} seconds: {(resident() - before) / count:.2f} KiB each;"
        f" {pings:,} Pings were sent and {answered:,} answered, for {spent / pings:.0f} us each"
    )
    for task in tasks:
        task.cancel()
    for ws in [*few, *many]:
        ws.abort()
    await asyncio.wait(tasks)


async def main(count: int) -> None:
    """Measure against a server in another process."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.idle", "serve"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if server.stdout is None or server.stdin is None:
        raise RuntimeError("the server has no pipes")
    port = int(await server.stdout.readline())
    try:
        await measure(f"ws://127.0.0.1:{port}/", count)
    finally:
        server.stdin.close()
        await server.wait()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(run_server())
    else:
        asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 10_000))
