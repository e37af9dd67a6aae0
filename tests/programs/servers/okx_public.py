"""An exchange's public feed: a confirmation and five tickers for each subscription."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Answer each request until the connection is over."""
    while True:
        request = await peer.receive_json()
        for channel in request["args"]:
            await peer.send_json({"event": request["op"], "arg": channel})
            if request["op"] == "subscribe":
                for n in range(5):
                    await peer.send_json(
                        {"arg": channel, "data": [{"last": f"{peer.received}.{n}"}]}
                    )
