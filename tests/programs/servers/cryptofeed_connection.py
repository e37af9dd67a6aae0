"""An exchange's feed of trades: five for each subscription, and no end."""

from __future__ import annotations

from typing import Final

from programs.faults import TALK, Act, Peer

PLAN: Final = (
    Act(received=250, close=(1012, "restarting")),
    Act(received=20, close=(4001, "out of credit")),
    Act(received=20, abort=True),
    Act(received=20, close=(1000, "that is all")),
    Act(refuse=503),
    Act(refuse=401),
    TALK,
)


async def session(peer: Peer) -> None:
    """Answer each message with a trade until the connection is over."""
    while True:
        request = await peer.receive_json()
        await peer.send_json({"trade": request["subscribe"], "price": peer.received})
