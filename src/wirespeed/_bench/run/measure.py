"""Measures one client, inside that client's process.

Each measuring function returns the figures of one round. CPU times are those of this process
alone, user and system.
"""

from __future__ import annotations

import gc
import json
import ssl
import time
from typing import Any, Final

from .. import payloads
from ..machine import resident_bytes
from ..peers.client import Client, Message
from ..works import PIPELINE_DEPTH, Work

Figures = dict[str, Any]

# A slice that takes this share of the wanted time is long enough to compute how many messages fit.
_LONG_ENOUGH: Final = 0.5
_MAX_STEP: Final = 16
# Not counted: the first connections load modules and caches that later ones share.
_CONNECTIONS_BEFORE: Final = 20


class WrongMessage(Exception):
    """The last message is not one that the server sent."""


async def slice_of(client: Client, work: Work, count: int) -> Figures:
    """Measure `count` messages."""
    message = "" if work.kind == "receive" else payloads.message(work)
    value = json.loads(message) if work.kind == "send" and work.codes_json else message
    request = f"{count:0{payloads.REQUEST_DIGITS}d}"
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    if work.kind == "receive":
        await client.request(request)
        last = await client.receive(count)
    elif work.kind == "send":
        await client.request(request)
        await client.send(value, count)
        await client.receive(1)
        last = None
    elif work.kind == "echo":
        last = await client.echo(message, count)
    else:
        last = await client.pipeline(message, count, min(PIPELINE_DEPTH, count))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if work.kind != "send":
        check(work, last)
    return {"count": count, "cpu": cpu, "wall": wall}


def check(work: Work, last: Message) -> None:
    """Check the type and the size of the last message; of decoded JSON only the type.

    Raises:
        WrongMessage: the type or the size is wrong.
    """
    if work.codes_json and work.kind == "receive":
        if not isinstance(last, dict):
            raise WrongMessage(f"a JSON object was sent, {type(last).__name__} was received")
        return
    wanted = bytes if work.payload == "binary" else str
    if not isinstance(last, wanted):
        raise WrongMessage(f"{wanted.__name__} was sent, {type(last).__name__} was received")
    size = len(last.encode() if isinstance(last, str) else last)
    if size != work.size:
        raise WrongMessage(f"{work.size} bytes were sent, {size} were received")


async def fitting_count(client: Client, work: Work, seconds: float) -> int:
    """Find how many messages take about `seconds`; this also warms up the client."""
    # The first slice has one message: if the client sends it, the server checks it.
    await slice_of(client, work, 1)
    count = PIPELINE_DEPTH if work.kind == "pipeline" else 1
    while True:
        wall = (await slice_of(client, work, count))["wall"]
        fitting = count * seconds / wall
        if wall >= seconds * _LONG_ENOUGH:
            return max(1, int(fitting))
        # The first, short slices are slower than later ones.
        count = int(min(max(fitting, count * 2), count * _MAX_STEP))


async def paced(client: Client, work: Work, seconds: float) -> Figures:
    """Measure a feed for `seconds`: latencies in microseconds, besides count and times."""
    count = max(1, int(work.rate * seconds))
    times: list[int] = []
    messages: list[str] = []
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await client.request(f"{count:0{payloads.REQUEST_DIGITS}d}")
    await client.collect(count, (times.append, messages.append, time.monotonic_ns))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    stamps = [payloads.stamps(message) for message in messages]
    waited = [time - due for time, (due, _) in zip(times, stamps, strict=True)]
    late = [sent - due for due, sent in stamps]
    return {
        "count": count,
        "cpu": cpu,
        "wall": wall,
        "latency": percentiles(waited),
        "server_late": percentiles(late),
    }


def percentiles(nanoseconds: list[int]) -> dict[str, float]:
    """Return percentiles in microseconds."""
    ordered = sorted(nanoseconds)
    points = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    last = len(ordered) - 1
    return {name: ordered[min(int(len(ordered) * at), last)] / 1e3 for name, at in points.items()}


async def handshakes(
    make: type[Client], work: Work, url: str, context: ssl.SSLContext | None, seconds: float
) -> Figures:
    """Open and close connections for `seconds`; only the opening is timed."""
    count = 0
    cpu = 0.0
    gc.collect()
    began = time.perf_counter()
    opening = 0.0
    while time.perf_counter() - began < seconds or not count:
        client = make(work)
        wall_before, before = time.perf_counter(), time.process_time()
        await client.open(url, context)
        cpu += time.process_time() - before
        opening += time.perf_counter() - wall_before
        await client.close()
        count += 1
    return {"count": count, "cpu": cpu, "wall": opening}


async def idle_connections(
    make: type[Client], work: Work, url: str, context: ssl.SSLContext | None
) -> Figures:
    """Open the work's number of connections, and measure the memory that they add."""
    kept = []
    for number in range(_CONNECTIONS_BEFORE + work.connections):
        if number == _CONNECTIONS_BEFORE:
            gc.collect()
            before = resident_bytes()
        client = make(work)
        await client.open(url, context)
        kept.append(client)
    gc.collect()
    added = resident_bytes() - before
    return {"count": work.connections, "bytes": added, "base": before}
