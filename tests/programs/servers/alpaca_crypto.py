"""A feed of trades in msgpack: one trade for each subscription, of the newest symbol."""

from __future__ import annotations

from typing import Any, Final

import msgpack
from programs.faults import RESTARTS, TALK, Act, Peer

PLAN: Final = (
    TALK,
    RESTARTS[0],
    Act(received=20, close=(1000, "that is all")),
    Act(received=20, close=(4001, "out of credit")),
    RESTARTS[1],
    Act(refuse=401),
    Act(refuse=503),
    TALK,
)


async def session(peer: Peer) -> None:
    """Let the client in, and answer each subscription until the connection is over."""
    await send(peer, {"T": "success", "msg": "connected"})
    await receive(peer)
    await send(peer, {"T": "success", "msg": "authenticated"})
    while True:
        symbols = (await receive(peer))["trades"]
        await send(peer, {"T": "subscription", "trades": symbols})
        trade = {"S": symbols[-1], "p": 1.25, "s": float(peer.received), "i": peer.received}
        await send(peer, {"T": "t", **trade})


async def receive(peer: Peer) -> Any:
    """Return the next message, which is binary."""
    message = await peer.receive()
    assert isinstance(message, bytes)
    return msgpack.unpackb(message)


async def send(peer: Peer, event: dict[str, Any]) -> None:
    """Send a message with one event."""
    await peer.send(msgpack.packb([event]))
