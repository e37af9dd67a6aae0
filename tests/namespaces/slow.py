"""Scenes on a slow link: 8 Mbit/s, so a megabyte takes a second.

The times of keep-alive are much shorter than the transfers. A slow link is not a dead peer.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from namespaces.numbered import blob, incompressible, numbered
from namespaces.scene import (
    CLOSE_TIMEOUT,
    PING_INTERVAL,
    PING_TIMEOUT,
    SLACK_SECONDS,
    Scene,
    scene,
    summary,
)

from wirespeed import CloseCause, ConnectionDisconnected

RATE: Final = "8mbit"
SIZE: Final = 8_000_000

# Four times what the transfer takes at that rate.
TRANSFER_SECONDS: Final = 32.0


def check_duration(scene: Scene) -> None:
    """Check that the link was slow: otherwise, the scene shows nothing."""
    assert scene.noticed is not None
    assert scene.noticed > PING_INTERVAL + PING_TIMEOUT, "the link is not slow"


async def upload(
    scene: Scene, messages: list[str] | list[bytes], compression: str | None = None
) -> None:
    """Send messages up the slow link, and check that all of them have arrived."""
    await scene.link.slow_down(uplink=RATE)
    digest = hashlib.sha256()
    for message in messages:
        digest.update(message.encode() if isinstance(message, str) else message)
    async with scene.connect("/sink", compression=compression) as ws:
        async with scene.noticing(TRANSFER_SECONDS):
            for message in messages:
                await ws.send(message)
            seen = await summary(ws)
        assert (ws.compression is None) is (compression is None)
        assert (seen["received"], seen["digest"]) == (len(messages), digest.hexdigest())
        wire = ws.stats.wire_bytes_sent
    check_duration(scene)
    total = sum(map(len, messages))
    scene.told = f"messages: {len(messages)}, {total / 1e6:.1f} MB, {wire / 1e6:.1f} on the wire"


@scene
async def slow_uplink_with_a_large_message(scene: Scene) -> None:
    await upload(scene, [blob(SIZE)])


@scene
async def slow_uplink_with_many_small_ones(scene: Scene) -> None:
    await upload(scene, [numbered(number, 1000) for number in range(SIZE // 1000)])


@scene
async def slow_uplink_with_compressed_ones(scene: Scene) -> None:
    messages = [incompressible(number, 64_000) for number in range(2 * SIZE // 64_000)]
    await upload(scene, messages, compression="deflate")


@scene
async def slow_downlink_with_a_large_message(scene: Scene) -> None:
    await scene.link.slow_down(downlink=RATE)
    async with scene.connect(f"/blob?size={SIZE}") as ws:
        async with scene.noticing(TRANSFER_SECONDS):
            message = await ws.receive_bytes()
        assert message == blob(SIZE)
        assert [message async for message in ws] == []
        assert ws.close_code == 1000
    check_duration(scene)
    scene.told = f"messages: 1, {SIZE / 1e6:.1f} MB"


@scene
async def close_over_a_slow_uplink(scene: Scene) -> None:
    """Megabytes wait to leave when `close()` is called; they take much more than close_timeout."""
    await scene.link.slow_down(uplink=RATE)
    message = blob(SIZE)
    async with scene.connect("/sink", close_timeout=CLOSE_TIMEOUT) as ws:
        sending = asyncio.create_task(ws.send_bytes(message))
        await asyncio.sleep(0)
        async with scene.noticing(TRANSFER_SECONDS):
            await ws.close()
            await asyncio.wait([sending])
        assert ws.close_code == 1000, ws.close_info
    assert sending.exception() is None or isinstance(sending.exception(), ConnectionDisconnected)
    async with asyncio.timeout(TRANSFER_SECONDS):
        while (seen := (await scene.ask("report"))[0])["code"] is None:
            pass
    assert (seen["received"], seen["code"]) == (1, 1000)
    assert seen["digest"] == hashlib.sha256(message).hexdigest()
    check_duration(scene)
    scene.told = f"close_timeout={CLOSE_TIMEOUT:g}; the server has all {SIZE / 1e6:.1f} MB"


@scene
async def cut_in_close_over_a_slow_uplink(scene: Scene) -> None:
    """The bytes stop while `close()` waits for them to leave."""
    await scene.link.slow_down(uplink=RATE)
    async with scene.connect("/sink", close_timeout=CLOSE_TIMEOUT) as ws:
        sending = asyncio.create_task(ws.send_bytes(bytes(2 * SIZE)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(ws.close())
        await asyncio.wait([closing], timeout=2 * CLOSE_TIMEOUT)
        assert not closing.done(), "close() did not wait for what was leaving"
        await scene.link.cut()
        async with scene.noticing(CLOSE_TIMEOUT + SLACK_SECONDS):
            await closing
            await asyncio.wait([sending])
        assert ws.close_info is not None
        assert ws.close_info.received is None
        assert ws.close_info.cause is CloseCause.CLOSE
        assert ws.close_info.unsent_bytes > 0
    # What the send raised is not the subject; it must not stay unseen.
    sending.exception()
    scene.told = f"cut after {2 * CLOSE_TIMEOUT:g} s in close(); close_timeout={CLOSE_TIMEOUT:g}"
