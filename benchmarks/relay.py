"""Messages a second and CPU a message through the relay, beside a loop of websockets and nats-py.

Each contender receives the same feeds at the speed that it can, and publishes every message to a
JetStream of its own, with an id. The exchange sends frames that were made before. Its time, and
that of nats-server, do not count, but they share the processors with the contender.

Usage: `python benchmarks/relay.py [MESSAGES [ROUNDS]]`. It needs wirespeed[test], nats-server and
Linux.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nats
from websockets.asyncio.client import connect

from wirespeed import ConnectionDisconnected
from wirespeed.testing import ServerConnection, serve

FEEDS: Final = ("a", "b")
WINDOW: Final = 1000
CHUNK: Final = 500
DEADLINE: Final = 300.0


@dataclass(frozen=True)
class Result:
    """One turn of a contender.

    Attributes:
        rate: messages a second, from the first one sent to the last one stored.
        cpu: microseconds of processor time a message, of all of its processes.
    """

    rate: float
    cpu: float


def frames(feed: str, messages: int) -> list[bytes]:
    """Return the frames of a feed, many at a time."""
    made = []
    for number in range(1, messages + 1):
        body = json.dumps({"feed": feed, "number": number, "price": 1234.5, "size": 10}).encode()
        made.append(bytes((0x81, len(body))) + body)
    return [b"".join(made[start : start + CHUNK]) for start in range(0, messages, CHUNK)]


FRAMES: dict[str, list[bytes]] = {}


class Exchange:
    """Sends once all feeds are connected."""

    def __init__(self) -> None:
        self._connected = 0
        self.started = asyncio.Event()
        self.began = 0.0
        self.on_start: Callable[[], None] = lambda: None

    async def serve_feed(self, client: ServerConnection) -> None:
        """Send a feed, as fast as the client reads."""
        self._connected += 1
        if self._connected == len(FEEDS):
            self.on_start()
            self.began = time.perf_counter()
            self.started.set()
        await self.started.wait()
        for chunk in FRAMES[client.request.path.strip("/")]:
            await client.write(chunk)
        # A contender may be killed in the end.
        with contextlib.suppress(ConnectionDisconnected):
            async for _ in client:
                pass


@asynccontextmanager
async def jetstream(directory: Path) -> AsyncIterator[str]:
    """Run nats-server, and yield its address."""
    process = await asyncio.create_subprocess_exec(
        *("nats-server", "-js", "-sd", str(directory), "-a", "127.0.0.1", "-p", "-1"),
        *("--ports_file_dir", str(directory), "-l", str(directory / "log")),
    )
    try:
        ports = directory / f"nats-server_{process.pid}.ports"
        async with asyncio.timeout(30):
            while not (ports.exists() and ports.read_text()):
                await asyncio.sleep(0.05)
        yield json.loads(ports.read_text())["nats"][0]
    finally:
        process.kill()
        await process.wait()


async def plain(nats_url: str, url: str) -> None:
    """Publish what websockets receives: the loop that one would write by hand."""
    client = await nats.connect(nats_url)
    context = client.jetstream(publish_async_max_pending=WINDOW)

    async def relay(name: str) -> None:
        async with connect(url + name) as ws:
            number = 0
            async for message in ws:
                number += 1
                data = message.encode() if isinstance(message, str) else message
                headers = {"Nats-Msg-Id": f"{name}:{number}"}
                await context.publish_async(f"feeds.{name}", data, stream="FEEDS", headers=headers)

    await asyncio.gather(*map(relay, FEEDS))


async def start_plain(_directory: Path, nats_url: str, url: str) -> Process:
    """Start the loop in a process of its own."""
    return await asyncio.create_subprocess_exec(sys.executable, __file__, "--plain", nats_url, url)


def start_relay(workers: int) -> Callable[[Path, str, str], asyncio.Future[Process]]:
    """Return a function that starts the relay."""

    def start(directory: Path, nats_url: str, url: str) -> asyncio.Future[Process]:
        feeds = "".join(f'[[feed]]\nname = "{name}"\nurl = "{url}{name}"\n' for name in FEEDS)
        file = directory / "relay.toml"
        file.write_text(
            f"workers = {workers}\nwindow = {WINDOW}\n"
            f'[nats]\nservers = ["{nats_url}"]\nsubjects = ["feeds.>"]\n{feeds}'
        )
        return asyncio.ensure_future(
            asyncio.create_subprocess_exec(sys.executable, "-m", "wirespeed", "relay", str(file))
        )

    return start


CONTENDERS: Final = {
    "websockets + nats-py": start_plain,
    "relay, 1 worker": start_relay(1),
    "relay, 2 workers": start_relay(2),
}


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in children)


async def measure(contender: str, messages: int) -> Result:
    """Let a contender have its turn."""
    exchange = Exchange()
    with tempfile.TemporaryDirectory() as name:
        async with jetstream(Path(name)) as nats_url, serve(exchange.serve_feed) as url:
            client = await nats.connect(nats_url)
            await client.jetstream().add_stream(
                name="FEEDS", subjects=["feeds.>"], duplicate_window=120
            )
            process = await CONTENDERS[contender](Path(name), nats_url, url)
            before: list[float] = []
            exchange.on_start = lambda: before.append(cpu_seconds(process.pid))
            try:
                async with asyncio.timeout(DEADLINE):
                    await exchange.started.wait()
                    context = client.jetstream()
                    while (await context.stream_info("FEEDS")).state.messages < messages:
                        await asyncio.sleep(0.02)
                seconds = time.perf_counter() - exchange.began
                cpu = cpu_seconds(process.pid) - before[0]
            finally:
                process.terminate()
                await process.wait()
                await client.close()
    return Result(messages / seconds, cpu / messages * 1e6)


async def main(messages: int, rounds: int) -> None:
    """Give each contender its turns, and print the medians."""
    each = messages // len(FEEDS)
    FRAMES.update({name: frames(name, each) for name in FEEDS})
    results: dict[str, list[Result]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, turns in results.items():
            turns.append(await measure(name, each * len(FEEDS)))
    print(f"{each * len(FEEDS):,} messages over {len(FEEDS)} feeds, median of {rounds}")
    print("| | messages a second | CPU us a message |")
    print("|---|---|---|")
    for name, turns in results.items():
        rate = statistics.median(turn.rate for turn in turns)
        cpu = statistics.median(turn.cpu for turn in turns)
        print(f"| {name} | {rate:,.0f} | {cpu:.1f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plain"]:
        asyncio.run(plain(*sys.argv[2:4]))
    else:
        counts = [int(argument) for argument in sys.argv[1:3]]
        asyncio.run(main(*(counts + [100_000, 3][len(counts) :])))
