"""Four feeds into one stream: starts JetStream, a fake exchange and the relay, and kills workers.

It needs `nats-server` and `pip install "wirespeed[relay]"`, and ends with Ctrl-C.
Usage: `python -m examples.fan_in.start [MESSAGES [KILLS]]`, and what it prints elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wirespeed import Reconnect
from wirespeed.relay import Feed, NatsSettings, Settings, Workers
from wirespeed.testing import ServerConnection, serve

FEEDS = ("a", "b", "c", "d")
BATCH = 50
BATCH_SECONDS = 0.01


class Exchange:
    """Sends the same numbers to all that are connected, each on a path of its own.

    Args:
        messages: how many it sends of each feed.
    """

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.sent = 0
        self._connections = 0
        self._changed = asyncio.Condition()

    async def serve_feed(self, client: ServerConnection) -> None:
        """Send what comes after the opening of this connection."""
        feed = client.request.path.strip("/")
        number = self.sent
        await self._count(1)
        try:
            while number < self.messages:
                while number < self.sent:
                    number += 1
                    await client.send(json.dumps({"feed": feed, "number": number}))
                await client.sleep(BATCH_SECONDS)
            async for _ in client:
                pass
        finally:
            await self._count(-1)

    async def wait_for(self, connections: int) -> None:
        """Wait until exactly so many connections are open."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._connections == connections)

    async def run(self, messages: int) -> None:
        """Send so many messages more of each feed."""
        last = min(self.sent + messages, self.messages)
        while self.sent < last:
            self.sent = min(self.sent + BATCH, last)
            await asyncio.sleep(BATCH_SECONDS)

    async def _count(self, more: int) -> None:
        async with self._changed:
            self._connections += more
            self._changed.notify_all()


@asynccontextmanager
async def jetstream(directory: Path) -> AsyncIterator[str]:
    """Run `nats-server` with its store in a folder, and yield its address."""
    process = await asyncio.create_subprocess_exec(
        *("nats-server", "-js", "-sd", str(directory), "-a", "127.0.0.1", "-p", "-1"),
        *("--ports_file_dir", str(directory), "-l", str(directory / "log")),
    )
    try:
        ports = directory / f"nats-server_{process.pid}.ports"
        async with asyncio.timeout(30):
            while not (ports.exists() and ports.read_text()):  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.05)
        yield json.loads(ports.read_text())["nats"][0]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def send_all(exchange: Exchange, workers: Workers, kills: int) -> None:
    """Let the exchange send all, and kill a worker so many times meanwhile."""
    everyone = 2 * len(FEEDS)
    await exchange.wait_for(everyone)
    for number in range(kills):
        await exchange.run(exchange.messages // (kills + 1))
        # The other worker has all messages, and this one is back before the next kill.
        worker = workers.workers[number % 2]
        if worker.pid is not None:
            os.kill(worker.pid, signal.SIGKILL)
        await exchange.wait_for(everyone // 2)
        await exchange.wait_for(everyone)
    await exchange.run(exchange.messages)


async def main(messages: str = "10000", kills: str = "2") -> None:
    """Run until Ctrl-C."""
    exchange = Exchange(int(messages))
    with tempfile.TemporaryDirectory() as directory:
        async with jetstream(Path(directory)) as nats_url, serve(exchange.serve_feed) as url:
            feeds = [
                Feed(
                    name=name,
                    url=f"{url}{name}",
                    standby=2,
                    message_id="/number",
                    reconnect=Reconnect(initial=0.1, maximum=1),
                )
                for name in FEEDS
            ]
            settings = Settings(
                feeds=tuple(feeds),
                nats=NatsSettings(servers=[nats_url], subjects=["feeds.>"]),
                workers=2,
            )
            workers = Workers(settings)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(workers.run())
                print(f"python -m examples.fan_in.read {nats_url} {messages}", flush=True)
                await send_all(exchange, workers, int(kills))
                print(f"all is sent; {workers.restarts} workers were started again", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:3]))
    except KeyboardInterrupt:
        sys.exit(130)
