"""A transcriber that answers each piece of audio with a turn."""

from __future__ import annotations

import json
from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Answer each piece of audio until the client terminates or the connection is over."""
    begin = {"type": "Begin", "id": "of-the-test", "expires_at": "2030-01-01T00:00:00Z"}
    await peer.send_json(begin)
    while True:
        message = await peer.receive()
        if isinstance(message, str):
            if json.loads(message)["type"] == "Terminate":
                await peer.send_json({"type": "Termination", "audio_duration_seconds": 1})
                return
            continue
        turn = {
            "type": "Turn",
            "turn_order": peer.received,
            "turn_is_formatted": False,
            "end_of_turn": True,
            "transcript": f"heard {len(message)}",
            "end_of_turn_confidence": 0.5,
            "words": [],
        }
        await peer.send_json(turn)
