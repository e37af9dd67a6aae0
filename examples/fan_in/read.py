"""Reads the stream of `examples.fan_in.start`, and checks that every number is there exactly once.

Usage: `python -m examples.fan_in.read NATS_URL [MESSAGES]`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

import nats
from nats.js import JetStreamContext

FEEDS = ("a", "b", "c", "d")
QUIET_SECONDS = 30


async def read(url: str, messages: int) -> dict[str, Counter[int]]:
    """Return how often the stream has each number of each feed.

    It reads until the stream has the last number of every feed, and all that comes with it.

    Raises:
        TimeoutError: nothing has come for 30 seconds.
    """
    client = await nats.connect(url)
    try:
        context = client.jetstream()
        await wait_for_stream(context)
        subscription = await context.pull_subscribe("feeds.>", stream="FEEDS")
        seen: dict[str, Counter[int]] = {name: Counter() for name in FEEDS}
        pending = 1
        while pending or min(map(len, seen.values())) < messages:
            for message in await subscription.fetch(500, timeout=QUIET_SECONDS):
                body = json.loads(message.data)
                seen[body["feed"]][body["number"]] += 1
                pending = message.metadata.num_pending
                await message.ack()
        return seen
    finally:
        await client.close()


async def wait_for_stream(context: JetStreamContext) -> None:
    """Wait until the relay has made the stream."""
    async with asyncio.timeout(QUIET_SECONDS):
        while True:
            try:
                await context.stream_info("FEEDS")
                return
            except nats.js.errors.NotFoundError:
                await asyncio.sleep(0.1)


async def main(url: str, messages: str = "10000") -> int:
    """Print what the stream has; return 0 if it has every number exactly once."""
    seen = await read(url, int(messages))
    status = 0
    for name, numbers in seen.items():
        missing = int(messages) - len(numbers)
        doubled = sum(count > 1 for count in numbers.values())
        print(f"feed {name}: {len(numbers)} numbers, {missing} missing, {doubled} doubled")
        if missing or doubled:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:3])))
