"""Scenes of reconnecting: a renewal over a slow link, and an outage with hundreds of clients."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from collections import Counter
from typing import Final

from namespaces.scene import PLAIN_ONLY, Scene, scene

from wirespeed import ConnectionDisconnected, Reconnect

CLIENTS: Final = 800
OUTAGE_SECONDS: Final = 4.0
BACK_SECONDS: Final = 10.0


@scene
async def max_lifetime_over_a_slow_link(scene: Scene) -> None:
    """Three renewals while the feed would take more than the link has."""
    await scene.link.slow_down(uplink="1mbit", downlink="8mbit")
    received: list[list[int]] = []
    connecting = scene.connect("/feed?pause=0.001&size=2000", reconnect=Reconnect(max_lifetime=2))
    async with scene.noticing(60), contextlib.aclosing(aiter(connecting)) as connections:
        async for ws in connections:
            received.append([])
            async for message in ws:
                received[-1].append(int(message.split()[0]))
                if len(received) == 4 and len(received[-1]) == 100:
                    await ws.close()
            assert ws.close_code == 1000
            if len(received) == 4:
                break
    # While the last one closed, its successor may have been opened.
    seen_of_these = (await scene.ask("report"))[: len(received)]
    for numbers, seen in zip(received, seen_of_these, strict=True):
        assert numbers == list(range(len(numbers)))
        # The last one may have left the server just as Close arrived.
        assert seen["sent"] <= len(numbers) <= seen["begun"]
    total = sum(map(len, received))
    scene.told = f"{len(received)} connections, {total} messages, none lost"


@scene
async def an_outage_of_four_seconds(scene: Scene) -> None:
    """The server closes its connections and is away. Who is back in which second?"""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    opened = 0
    all_open = asyncio.Event()

    async def stay_connected() -> float:
        nonlocal opened
        connecting = scene.connect(
            "/sink", reconnect=Reconnect(reset_after=0), open_timeout=None, ping_interval=None
        )
        async with contextlib.aclosing(aiter(connecting)) as connections:
            lost = await anext(connections)
            opened += 1
            if opened == CLIENTS:
                all_open.set()
            with contextlib.suppress(ConnectionDisconnected):
                await lost.receive()
            await anext(connections)
            return time.monotonic()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(stay_connected()) for _ in range(CLIENTS)]
        await all_open.wait()
        await scene.ask("down")
        await asyncio.sleep(OUTAGE_SECONDS)
        began = time.monotonic()
        async with scene.noticing(BACK_SECONDS):
            await scene.ask("up")
            times = [await task for task in tasks]
    seconds = Counter(int(back - began) for back in times)
    spread = ", ".join(f"{seconds[second]}" for second in range(max(seconds) + 1))
    scene.told = f"{CLIENTS} clients are back, second by second: {spread}"


PLAIN_ONLY.add("an_outage_of_four_seconds")
