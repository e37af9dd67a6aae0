"""A load generator: many connections that send at a steady rate and time the answers.

The server must answer each text message with one message.
Usage: `python -m examples.load.load URL [CONNECTIONS [MESSAGES_A_SECOND [SECONDS]]]`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import wirespeed

# So many connections are opened at a time.
OPENING_AT_ONCE = 50


@dataclass
class Results:
    """What all connections have seen.

    Attributes:
        seconds: the time from each due message to its answer. A message is due on time, even if
            the client was late: otherwise a slow server would slow down its own test.
        failures: how often each kind of error ended a connection.
    """

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        failed = ", ".join(f"{count} x {name}" for name, count in self.failures.items())
        if len(self.seconds) < 2:
            return f"{len(self.seconds)} answers; failures: {failed or 'none'}"
        cuts = statistics.quantiles(self.seconds, n=1000)
        median, late, latest = (1000 * cuts[cut - 1] for cut in (500, 990, 999))
        return (
            f"{len(self.seconds)} answers; median {median:.2f} ms, 99 % {late:.2f} ms,"
            f" 99.9 % {latest:.2f} ms; failures: {failed or 'none'}"
        )


async def generate(url: str, connections: int, rate: float, seconds: float) -> Results:
    """Load the server, and return the results.

    Args:
        url: where to connect.
        connections: how many connections.
        rate: how many messages a second each of them sends.
        seconds: how long, after all connections are open.
    """
    results = Results()
    gate = asyncio.Semaphore(OPENING_AT_ONCE)
    all_open = asyncio.Barrier(connections)

    async def use_one(number: int) -> None:
        ws: wirespeed.WebSocketConnection | None = None
        try:
            async with gate:
                ws = await wirespeed.connect(url)
        except OSError as exc:
            results.failures[type(exc).__name__] += 1
        # Also if this one has failed: the others wait for it.
        await all_open.wait()
        if ws is not None:
            began = time.monotonic() + number / connections / rate
            due = [began + count / rate for count in range(int(rate * seconds))]
            await _use(ws, due, results)

    await asyncio.gather(*map(use_one, range(connections)))
    return results


async def _use(ws: wirespeed.WebSocketConnection, due: list[float], results: Results) -> None:
    async with ws:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_send(ws, due))
                for time_due in due:
                    await ws.receive(timeout=30)
                    results.seconds.append(time.monotonic() - time_due)
        except* (ConnectionError, TimeoutError) as group:
            results.failures[type(group.exceptions[0]).__name__] += 1


async def _send(ws: wirespeed.WebSocketConnection, due: list[float]) -> None:
    for number, time_due in enumerate(due):
        await asyncio.sleep(time_due - time.monotonic())
        await ws.send_text(f"{number}")


async def main(url: str, connections: str = "10", rate: str = "10", seconds: str = "5") -> None:
    """Load the server, and print the results."""
    print(await generate(url, int(connections), float(rate), float(seconds)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
