"""Scenes in which the link is cut without a word: no reset, no end of the stream, no error.

`ping_interval` and `ping_timeout` are the only way to notice it, or the deadline of the call.
"""

from __future__ import annotations

import asyncio
from typing import Final

from namespaces.numbered import numbered
from namespaces.scene import CLOSE_TIMEOUT, SLACK_SECONDS, Scene, scene, summary

from wirespeed import CloseCause, ConnectionDisconnected, OpenTimeout, WebSocketConnection

OPEN_TIMEOUT: Final = 2.0

# Longer than keep-alive gives a peer that is silent, much less than 20 MB take on a slow link.
UPLOAD_SECONDS: Final = 4.0


async def receive_to_the_end(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    """Receive until keep-alive has ended the connection."""
    try:
        while True:
            received.append((await ws.receive()).data)
    except ConnectionDisconnected as exc:
        assert exc.code == 1006, exc
        assert ws.close_info is not None
        assert ws.close_info.cause is CloseCause.PING_TIMEOUT, ws.close_info


def check_numbers(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    """Check that everything that has arrived was received, in order."""
    assert [int(message) for message in received] == list(range(len(received)))
    assert len(received) == ws.stats.messages_received


@scene
async def cut_while_idle(scene: Scene) -> None:
    async with scene.connect("/sink") as ws:
        await scene.link.cut()
        async with scene.noticing():
            await receive_to_the_end(ws, [])
    scene.told = "nothing was on its way"


@scene
async def cut_in_a_feed(scene: Scene) -> None:
    received: list[str | bytes] = []
    async with scene.connect("/feed?pause=0.002") as ws:
        while len(received) < 200:
            received.append(await ws.receive_text())
        await scene.link.cut()
        async with scene.noticing():
            await receive_to_the_end(ws, received)
        check_numbers(ws, received)
    (seen,) = await scene.ask("report")
    assert 200 <= len(received) <= seen["begun"]
    scene.told = f"all {len(received)} messages that had arrived were received"


@scene
async def cut_while_sending(scene: Scene) -> None:
    sent = 1000
    async with scene.connect("/sink") as ws:
        for number in range(sent):
            await ws.send_text(numbered(number, 1000))
        assert (await summary(ws))["received"] == sent
        await scene.link.cut()
        async with scene.noticing():
            try:
                while True:
                    await ws.send_text(numbered(sent, 1000))
                    sent += 1
            except ConnectionDisconnected as exc:
                assert exc.code == 1006, exc
    (seen,) = await scene.ask("report")
    assert seen["in_order"]
    assert 1000 <= seen["received"] <= sent
    scene.told = f"the server has the first {seen['received']} of {sent} messages, in order"


@scene
async def cut_in_an_upload_over_a_slow_link(scene: Scene) -> None:
    """The bytes stop when megabytes wait in the buffers of the client and of the system."""
    await scene.link.slow_down(uplink="8mbit")
    async with scene.connect("/sink") as ws:
        sending = asyncio.create_task(ws.send_bytes(bytes(20_000_000)))
        await asyncio.wait([sending], timeout=UPLOAD_SECONDS)
        assert not sending.done(), f"the upload is over before the cut: {sending}"
        await scene.link.cut()
        async with scene.noticing():
            await asyncio.wait([sending])
            assert isinstance(sending.exception(), ConnectionDisconnected), sending
            assert ws.close_info is not None
            assert ws.close_info.cause is CloseCause.PING_TIMEOUT, ws.close_info
    scene.told = f"cut after {UPLOAD_SECONDS:g} s of an upload of 20 MB"


@scene
async def cut_in_close(scene: Scene) -> None:
    async with scene.connect("/sink", close_timeout=CLOSE_TIMEOUT, ping_interval=None) as ws:
        for number in range(100):
            await ws.send_text(numbered(number, 1000))
        assert (await summary(ws))["received"] == 100
        await scene.link.cut()
        for number in range(100, 200):
            await ws.send_text(numbered(number, 1000))
        async with scene.noticing(CLOSE_TIMEOUT + SLACK_SECONDS):
            await ws.close()
        assert ws.close_info is not None
        assert ws.close_info.received is None
        assert ws.close_info.cause is CloseCause.CLOSE
    scene.told = f"the bound is close_timeout={CLOSE_TIMEOUT:g}"


@scene
async def cut_in_an_opening(scene: Scene) -> None:
    """Once before the server hears of it, and once before it answers."""
    await scene.link.cut()
    async with scene.noticing(OPEN_TIMEOUT + SLACK_SECONDS):
        await fail_to_open(scene, "/sink")
    await scene.link.heal()
    opening = asyncio.create_task(fail_to_open(scene, "/slow?seconds=60"))
    while not await scene.ask("report"):
        pass
    await scene.link.cut()
    async with scene.noticing(OPEN_TIMEOUT + SLACK_SECONDS):
        await opening
    await scene.link.heal()
    async with scene.connect("/sink") as ws:
        await ws.send_text(numbered(0, 10))
        assert (await summary(ws))["received"] == 1
    scene.told = f"the bound is open_timeout={OPEN_TIMEOUT:g}; the next opening works"


async def fail_to_open(scene: Scene, path: str) -> None:
    try:
        await scene.connect(path, open_timeout=OPEN_TIMEOUT)
    except OpenTimeout:
        return
    raise AssertionError("the connection was opened")


@scene
async def cut_that_heals(scene: Scene) -> None:
    """Three seconds of silence, less than the peer is given: TCP sends again what was lost."""
    count = 1500
    received: list[str | bytes] = []

    async def send(ws: WebSocketConnection) -> None:
        for number in range(count):
            await ws.send_text(numbered(number, 100))
            await asyncio.sleep(0.002)

    path = f"/feed?count={count}&pause=0.002&linger=1"
    async with scene.connect(path, ping_interval=2, ping_timeout=20) as ws:
        sending = asyncio.create_task(send(ws))
        while len(received) < 200:
            received.append(await ws.receive_text())
        await scene.link.cut()
        await asyncio.sleep(3)
        await scene.link.heal()
        async with scene.noticing(40):
            while len(received) < count:
                received.append(await ws.receive_text())
            await sending
        check_numbers(ws, received)
        seen = await summary(ws)
    assert seen["in_order"]
    assert seen["received"] == count
    scene.told = f"{count} messages each way, none lost"
