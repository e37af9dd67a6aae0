"""A voice that answers each input at once."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Answer each input until the connection is over."""
    while True:
        message = await peer.receive_json()
        await peer.send_json({"type": "assistant_end", "custom_session_id": message["text"]})
