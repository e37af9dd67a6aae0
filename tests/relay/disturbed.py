"""Numbered messages through a relay whose workers, connections and JetStream are disturbed.

`python -m relay.disturbed --messages 1000000` runs it alone, and tells what it has seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import nats
from nats.js import JetStreamContext
from relay.exchange import Exchange
from relay.jetstream import JetStream

import wirespeed
from wirespeed.relay import Feed, Gap, GapFinder, NatsSettings, Settings, Workers

FEEDS = ("a", "b", "c", "d")
STREAM = "FEEDS"
BATCH = 250
_SOON = wirespeed.Reconnect(initial=0.05, maximum=0.5)


@dataclass
class Outcome:
    """What the stream holds in the end.

    Attributes:
        sent: how many messages the exchange has sent of each feed.
        numbers: of each feed, the numbers in the stream, in its order.
        gaps: the gaps that the headers tell of, with the numbers around them.
        kills: how many workers were killed.
        resets: how many connections were reset.
    """

    sent: int
    numbers: dict[str, list[int]] = field(default_factory=dict)
    gaps: dict[str, list[tuple[int, int, Gap]]] = field(default_factory=dict)
    kills: int = 0
    resets: int = 0

    def missing(self, feed: str) -> set[int]:
        """Return the numbers that are not in the stream."""
        return set(range(1, self.sent + 1)) - set(self.numbers[feed])

    def doubled(self, feed: str) -> list[int]:
        """Return the numbers that are in the stream more than once."""
        return [number for number, count in Counter(self.numbers[feed]).items() if count > 1]

    def untold(self, feed: str) -> set[int]:
        """Return the missing numbers that are in no gap of which the headers tell."""
        told = {
            number
            for last, following, _gap in self.gaps[feed]
            for number in range(last + 1, following)
        }
        return self.missing(feed) - told

    def faults(self, feed: str, standby: int) -> list[str]:
        """Name what is not as promised."""
        numbers = self.numbers[feed]
        faults = []
        if standby == 2 and self.missing(feed):
            faults.append("messages are missing")
        if standby == 1 and self.untold(feed):
            faults.append("messages are missing of which no header tells")
        if standby == 1 and any(b < a for a, b in pairwise(numbers)):
            faults.append("messages are out of order")
        if self.doubled(feed):
            faults.append("messages are doubled")
        return faults


class Disturbance:
    """A relay of two workers, and what disturbs it.

    Args:
        directory: for the store of JetStream.
        standby: how many connections each feed has.
        chance: decides what is disturbed.
    """

    def __init__(self, directory: Path, standby: int, chance: random.Random) -> None:
        self._jetstream = JetStream(directory)
        self._standby = standby
        self._chance = chance
        self._exchange = Exchange()
        self._workers: Workers | None = None

    async def run(self, messages: int, rounds: int) -> Outcome:
        """Send about so many messages in all, and disturb in each of the rounds."""
        await self._jetstream.start()
        outcome = Outcome(0)
        try:
            async with self._exchange:
                self._workers = Workers(self._settings())
                running = asyncio.create_task(self._workers.run())
                try:
                    await self._all_connected()
                    await self._send_one()
                    for number in range(rounds):
                        each = messages // (rounds * len(FEEDS))
                        await self._round(each, number == rounds // 2, outcome)
                    await self._send_one()
                    outcome.sent = self._exchange.sent(FEEDS[0])
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running
            await self._read(outcome)
        finally:
            await self._jetstream.stop()
        return outcome

    def _settings(self) -> Settings:
        feeds = tuple(
            Feed(
                name=name,
                url=self._exchange.url(name),
                standby=self._standby,
                message_id="/number" if self._standby == 2 else "",
                reconnect=_SOON,
            )
            for name in FEEDS
        )
        nats_settings = NatsSettings(
            servers=[self._jetstream.url], stream=STREAM, subjects=["feeds.>"]
        )
        return Settings(feeds=feeds, nats=nats_settings, workers=2, timeout=5)

    async def _round(self, messages: int, restarts_jetstream: bool, outcome: Outcome) -> None:
        """Disturb once while messages are sent; then wait until all is well again."""
        disturbing = asyncio.create_task(self._disturb(restarts_jetstream, outcome))
        for start in range(0, messages, BATCH):
            for name in FEEDS:
                self._exchange.send(name, min(BATCH, messages - start))
            await asyncio.sleep(0)
            await self._drained()
        await disturbing
        await self._all_connected()
        if self._standby == 2:
            # The other worker must have brought what this one has lost.
            await self._caught_up()

    async def _disturb(self, restarts_jetstream: bool, outcome: Outcome) -> None:
        assert self._workers is not None
        if restarts_jetstream:
            await self._jetstream.stop()
            await asyncio.sleep(0.5)
            await self._jetstream.start()
        elif self._chance.random() < 0.5:
            pid = self._chance.choice(self._workers.workers).pid
            before = self._exchange.all_connections()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await self._exchange.wait_for_loss(before, len(before) // 2)
            outcome.kills += 1
        else:
            before = self._exchange.all_connections()
            self._chance.choice(sorted(before, key=lambda ws: ws.id)).transport.abort()
            await self._exchange.wait_for_loss(before, 1)
            outcome.resets += 1

    async def _all_connected(self) -> None:
        for name in FEEDS:
            await self._exchange.wait_for(name, self._standby)

    async def _send_one(self) -> None:
        """Send one message of each feed, and wait until it is stored: gaps lie between two."""
        for name in FEEDS:
            self._exchange.send(name, 1)
        if self._standby == 2:
            await self._caught_up()
            return
        client = await nats.connect(self._jetstream.url)
        try:
            for name in FEEDS:
                last = 0
                while last < self._exchange.sent(name):
                    await asyncio.sleep(0.05)
                    with suppress(nats.js.errors.NotFoundError):
                        found = await client.jetstream().get_last_msg(STREAM, f"feeds.{name}")
                        last = json.loads(found.data or b"{}")["number"]
        finally:
            await client.close()

    async def _drained(self) -> None:
        """Wait until the exchange has not too much to send."""
        while max(map(self._exchange.waiting, FEEDS)) > 20 * BATCH:
            await asyncio.sleep(0.005)

    async def _caught_up(self) -> None:
        """Wait until the stream has every message that was sent."""
        client = await nats.connect(self._jetstream.url)
        try:
            total = sum(map(self._exchange.sent, FEEDS))
            while (await client.jetstream().stream_info(STREAM)).state.messages < total:
                await asyncio.sleep(0.05)
        finally:
            await client.close()

    async def _read(self, outcome: Outcome) -> None:
        client = await nats.connect(self._jetstream.url)
        try:
            await _read_stream(client.jetstream(), outcome)
        finally:
            await client.close()


async def _read_stream(context: JetStreamContext, outcome: Outcome) -> None:
    left = (await context.stream_info(STREAM)).state.messages
    outcome.numbers = {name: [] for name in FEEDS}
    outcome.gaps = {name: [] for name in FEEDS}
    finder = GapFinder()
    reader = await context.pull_subscribe("feeds.>", stream=STREAM)
    while left:
        for message in await reader.fetch(min(left, 1000), timeout=10):
            body = json.loads(message.data)
            assert message.headers is not None
            numbers = outcome.numbers[body["feed"]]
            gap = finder.look(message.headers)
            if gap is not None:
                outcome.gaps[body["feed"]].append((numbers[-1], body["number"], gap))
            numbers.append(body["number"])
            await message.ack()
            left -= 1


def main() -> int:
    """Run once, and tell the outcome; return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--standby", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, standby {arguments.standby}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        chance = random.Random(arguments.seed)
        disturbance = Disturbance(Path(directory), arguments.standby, chance)
        outcome = asyncio.run(disturbance.run(arguments.messages, arguments.rounds))
    print(
        f"{len(FEEDS) * outcome.sent} messages in {time.monotonic() - began:.0f} s;"
        f" {outcome.kills} workers killed, {outcome.resets} connections reset"
    )
    status = 0
    for name in FEEDS:
        faults = outcome.faults(name, arguments.standby)
        status = 1 if faults else status
        # With two connections, the second one fills the gaps of the first.
        gaps = f", {len(outcome.gaps[name])} gaps told" if arguments.standby == 1 else ""
        print(
            f"feed {name}: {len(outcome.missing(name))} missing,"
            f" {len(outcome.doubled(name))} doubled{gaps}"
            + "".join(f"; WRONG: {fault}" for fault in faults)
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
