"""Measures each flood beside an honest stream of the same run: `python -m benchmarks.attacks`."""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import re
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import wirespeed
from wirespeed import Deflate, WebSocketConnection

from .floods import FLOODS, HONEST, Flood
from .server import serve

TICK_SECONDS = 0.01
ALLOWED_RATIO = 10


class TimedLoop(asyncio.SelectorEventLoop):
    """An event loop that knows its longest turn, in seconds of processor time."""

    longest = 0.0

    def _run_once(self) -> None:
        before = time.thread_time()
        super()._run_once()  # type: ignore[misc]
        self.longest = max(self.longest, time.thread_time() - before)


@dataclass
class Result:
    """What one flood cost: nanoseconds a byte of the wire, and milliseconds of lateness."""

    cost: float
    longest_turn: float
    latest_tick: float
    error: str = ""


async def iterate(ws: WebSocketConnection) -> None:
    """Receive by `async for`."""
    async for _ in ws:
        pass


async def receive(ws: WebSocketConnection) -> None:
    """Receive by `receive`."""
    while True:
        await ws.receive()


async def receive_many(ws: WebSocketConnection) -> None:
    """Receive by `receive_many`."""
    while True:
        await ws.receive_many()


async def receive_stream(ws: WebSocketConnection) -> None:
    """Receive by `receive_stream`."""
    while True:
        async for _ in ws.receive_stream():
            pass


CONSUMERS: dict[str, Callable[[WebSocketConnection], Awaitable[None]]] = {
    "async for": iterate,
    "receive": receive,
    "receive_many": receive_many,
    "receive_stream": receive_stream,
}


async def tick(lateness: list[float]) -> None:
    """Note how late each tick is, in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        lateness.append(loop.time() - due)


async def meet(flood: Flood, url: str, consume: Any, loop: TimedLoop) -> Result:
    """Receive one flood to its end."""
    options: dict[str, Any] = {}
    if flood.extension:
        bits = 8 if "bits" in flood.extension else None
        options["compression"] = Deflate(server_max_window_bits=bits)
    lateness: list[float] = [0.0]
    error = ""
    async with wirespeed.connect(url, max_message_size=None, **options) as ws:
        ticks = asyncio.create_task(tick(lateness))
        loop.longest = 0.0
        before = time.process_time()
        try:
            await consume(ws)
        except wirespeed.ConnectionDisconnected:
            pass
        except wirespeed.ProtocolError as exc:
            error = str(exc)
        spent = time.process_time() - before
        ticks.cancel()
        # A connection that fails has not read everything.
        share = ws.stats.wire_bytes_received / flood.stream_bytes
    cost = spent / (flood.wire_bytes * share) * 1e9
    return Result(cost, loop.longest * 1000, max(lateness) * 1000, error)


def run(flood: Flood, address: str, consumer: str, rounds: int) -> Result:
    """Receive one flood some times; return the cheapest."""
    url = f"ws://{address}/{(HONEST + FLOODS).index(flood)}"
    best: Result | None = None
    for _ in range(rounds):
        with asyncio.Runner(loop_factory=TimedLoop) as runner:
            loop: Any = runner.get_loop()
            result = runner.run(meet(flood, url, CONSUMERS[consumer], loop))
        if best is None or result.cost < best.cost:
            best = result
    assert best is not None
    return best


def main() -> None:
    """Print one table a consumer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--consumers", default=".", help="which: a regular expression")
    parser.add_argument("--floods", default=".", help="which: a regular expression")
    parser.add_argument("--rounds", type=int, default=3, help="of which the cheapest counts")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = multiprocessing.get_context("fork").Process(
            target=serve, args=(listening,), daemon=True
        )
        server.start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        try:
            print(f"wirespeed {wirespeed.__version__}, {wirespeed.implementation}")
            for consumer in CONSUMERS:
                if re.search(options.consumers, consumer):
                    table(consumer, address, options.floods, options.rounds)
        finally:
            server.kill()
            server.join()


def table(consumer: str, address: str, wanted: str, rounds: int) -> None:
    """Print a row for each flood."""
    print(f"\n{consumer}\n{'':38}{'ns a byte':>10}{'times':>7}  {'honest stream':26}", end="")
    print(f"{'longest turn':>13}{'latest tick':>13}")
    bases: dict[str, float] = {}
    floods = [flood for flood in FLOODS if re.search(wanted, flood.name)]
    needed = {flood.base for flood in floods}
    for flood in (*HONEST, *floods):
        if flood in HONEST and flood.name not in needed:
            continue
        result = run(flood, address, consumer, rounds)
        if flood.name == flood.base:
            bases[flood.name] = result.cost
        ratio = result.cost / bases[flood.base]
        mark = "  DEAR" if ratio > ALLOWED_RATIO and not result.error else ""
        fails = f"  fails: {result.error[:50]}" if result.error else ""
        print(
            f"{flood.name:38}{result.cost:10.1f}{ratio:7.1f}  {flood.base:26}"
            f"{result.longest_turn:10.1f} ms{result.latest_tick:10.1f} ms{mark}{fails}",
            flush=True,
        )


if __name__ == "__main__":
    main()
