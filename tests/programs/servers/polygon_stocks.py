"""A feed of stocks that sends one message of trades for each subscription."""

from __future__ import annotations

from typing import Final

from programs.faults import RESTARTS, TALK, Act, Peer

PLAN: Final = (
    TALK,
    Act(received=20, close=(1000, "that is all")),
    *RESTARTS[:-1],
    Act(refuse=401),
    Act(received=20, close=(4001, "out of credit")),
)


async def session(peer: Peer) -> None:
    """Let the client in, and answer each subscription until the connection is over."""
    await status(peer, "connected")
    request = await peer.receive_json()
    if request["params"] != "of-the-test":
        await status(peer, "auth_failed")
        return
    await status(peer, "auth_success")
    while True:
        request = await peer.receive_json()
        trades = [
            {"ev": "T", "sym": name[2:], "i": name, "p": 1.25, "s": peer.received, "t": 1}
            for name in request["params"].split(",")
        ]
        await peer.send_json(trades)


async def status(peer: Peer, status: str) -> None:
    """Send a status."""
    await peer.send_json([{"ev": "status", "status": status, "message": status}])
