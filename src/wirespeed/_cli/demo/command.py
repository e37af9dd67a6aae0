"""`wirespeed demo`: receives a flood of market ticks over a real connection, and checks them.

Each tick is a JSON text whose last field, "n", is its sequence number, counted from 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ..._base.rfc6455 import CloseCode
from ..._codec import backend
from ...client import connect
from ...connection import WebSocketConnection
from ...exceptions import WebSocketError
from ..console import complain, say
from .certificate import client_context
from .report import Goal, Tally, show_progress, table

_CHECKS_TIMED: Final = 2_000
_CHECK_RUNS: Final = 30


class BadFeed(Exception):
    """A tick is wrong or missing."""


def run(goal: Goal, *, tls: bool, batch: bool) -> int:
    """Run the demo; return the exit status: 0 only if every tick arrived in order.

    Args:
        goal: when the stream ends.
        tls: whether to use TLS.
        batch: whether to receive with `batches()` instead of `async for`.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; raised after a report on the ticks until then.
    """
    with feed_server(goal, tls=tls) as port:
        if port is None:
            complain("the feed server did not start")
            return 1
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ticks"
        return asyncio.run(_stream(url, goal, tls=tls, batch=batch))


@contextlib.contextmanager
def feed_server(goal: Goal, *, tls: bool) -> Iterator[int | None]:
    """Run the feed server in another process; yield its port, or `None` if it did not start.

    The server ends with the block. It also ends when this process ends in any way.
    """
    limit = ("messages", goal.messages) if goal.seconds is None else ("seconds", goal.seconds)
    # The server gets the search path of this process: with `-m` it would search the current
    # directory first.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__package__}.server import main; main()"
    with subprocess.Popen(  # noqa: S603  # no external input
        [sys.executable, "-P", "-c", code, f"--{limit[0]}={limit[1]}", *(["--tls"] if tls else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A terminal sends Ctrl-C to its whole process group, but the client is to close.
        process_group=None if sys.platform == "win32" else 0,
    ) as process:
        line = b"" if process.stdout is None else process.stdout.readline()
        yield int(line) if line else None


async def _stream(url: str, goal: Goal, *, tls: bool, batch: bool) -> int:
    try:
        ws = await connect(url, ssl=client_context() if tls else None)
    except (WebSocketError, OSError) as exc:
        complain(f"cannot connect to the feed server: {exc}")
        return 1
    tally = Tally()
    verdict = "yes, until it was interrupted"
    say(f"streaming market ticks from {url} (a process of its own)")
    progress = asyncio.create_task(show_progress(tally, goal, sys.stdout))
    tally.start()
    try:
        await (receive_batches(ws, tally) if batch else receive_each(ws, tally))
        check_end(ws, tally, goal)
        verdict = "yes"
    except (BadFeed, WebSocketError) as exc:
        verdict = f"no: {exc}"
    finally:
        tally.stop()
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)
        transport = transport_name(ws)
        await ws.close()
        way = "batches()" if batch else "async for"
        say(table(figures(tally, verdict, way) + surroundings(transport, tls)))
    return 0 if verdict == "yes" else 1


async def receive_each(ws: WebSocketConnection, tally: Tally) -> None:
    """Receive and check message by message.

    Raises:
        BadFeed: one of them is not the next tick.
    """
    text: Any
    try:
        async for text in ws:
            # The body of `check`, inlined to save a call for each message.
            if not text.endswith(f'"n":{tally.messages}}}'):
                raise BadFeed(f"after {tally.messages:,} messages came {text!r}")
            tally.messages += 1
            tally.payload_bytes += len(text)
    except TypeError as exc:
        raise BadFeed(f"after {tally.messages:,} messages came a binary one") from exc


async def receive_batches(ws: WebSocketConnection, tally: Tally) -> None:
    """Receive in batches, and check message by message; otherwise like `receive_each`."""
    try:
        async for batch in ws.batches():
            check(batch, tally)
    except TypeError as exc:
        raise BadFeed(f"after {tally.messages:,} messages came a binary one") from exc


def check(batch: Iterable[Any], tally: Tally) -> None:
    """Check that these messages are the next ticks, by their sequence numbers.

    Raises:
        BadFeed: one of them is not the next tick.
        TypeError: one of them is binary.
    """
    for text in batch:
        if not text.endswith(f'"n":{tally.messages}}}'):
            raise BadFeed(f"after {tally.messages:,} messages came {text!r}")
        tally.messages += 1
        # Ticks are ASCII: as many bytes as characters.
        tally.payload_bytes += len(text)


def check_end(ws: WebSocketConnection, tally: Tally, goal: Goal) -> None:
    """Check that no tick is missing at the end; the close reason holds the number sent.

    Raises:
        BadFeed: something is missing.
    """
    if goal.messages not in (None, tally.messages):
        raise BadFeed(f"{tally.messages:,} of {goal.messages:,} messages arrived")
    closing = (ws.close_code, ws.close_reason)
    if closing != (CloseCode.NORMAL_CLOSURE, f"{tally.messages} messages"):
        raise BadFeed(f"{tally.messages:,} messages arrived, the close was {closing}")


def check_microseconds() -> float:
    """Measure the cost of checking one message, without receiving it."""
    ticks = [f'{{"s":"BTCUSD","p":"67012.35","q":"0.0150","n":{n}}}' for n in range(_CHECKS_TIMED)]
    best = float("inf")
    # No other process has interrupted the best of many short runs.
    for _ in range(_CHECK_RUNS):
        start = time.perf_counter()
        check(ticks, Tally())
        best = min(best, time.perf_counter() - start)
    return best * 1e6 / _CHECKS_TIMED


def transport_name(ws: WebSocketConnection) -> str:
    """Return the package that the transport of `ws` comes from."""
    return type(ws._transport).__module__.partition(".")[0]


def figures(tally: Tally, verdict: str, way: str) -> list[tuple[str, str]]:
    """Return the table's rows with measured figures."""
    messages_a_second, megabytes_a_second = tally.rates()
    checks = f"of which about {check_microseconds():.2f} checks each message"
    cpu = f"{tally.cpu_microseconds:.2f} (whole process, {checks})"
    return [
        ("messages", f"{tally.messages:,}"),
        ("bytes", f"{tally.payload_bytes:,}"),
        ("seconds", f"{tally.seconds:.3f}"),
        ("messages a second", messages_a_second),
        ("MB a second", megabytes_a_second),
        ("CPU us a message", cpu),
        ("in order", verdict),
        ("received with", way),
    ]


def surroundings(transport: str, tls: bool) -> list[tuple[str, str]]:
    """Return the table's rows about the software in use."""
    return [
        ("implementation", backend.implementation),
        ("transport", transport),
        ("TLS", "yes, certificate verified" if tls else "no"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
    ]
