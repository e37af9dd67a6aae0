"""A feed for aiosonic's client: it repeats messages, and counts when it is told to."""

from __future__ import annotations

import json
from typing import Final

from programs.faults import TALK, Act, Peer

SUBPROTOCOLS: Final = ("feed",)

PLAN: Final = (
    TALK,
    Act(received=20, close=(1000, "")),
    Act(received=20, abort=True),
    Act(refuse=401),
    Act(refuse=503),
)


async def session(peer: Peer) -> None:
    """Do what the client's texts in JSON say, and repeat every other message."""
    while True:
        message = await peer.receive()
        command = json.loads(message) if isinstance(message, str) and message[0] == "{" else {}
        match command:
            case {"count": limit}:
                for n in range(limit):
                    await peer.send(bytes([n % 256]) * n if n % 2 else "€" * n)
            case {"hush": _}:
                pass
            case _:
                await peer.send(message)
