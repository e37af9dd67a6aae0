"""Slack's socket mode: one envelope after the other, each acknowledged."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS, TALK)


async def session(peer: Peer) -> None:
    """Greet, and send the next envelope when the last one was acknowledged."""
    await peer.send_json({"type": "hello", "num_connections": 1})
    while True:
        event = {"type": "message", "text": f"tick {peer.received} €" * (peer.received % 100)}
        envelope = {
            "type": "events_api",
            "envelope_id": f"envelope {peer.received}",
            "payload": {"event": event},
            "accepts_response_payload": True,
        }
        await peer.send_json(envelope)
        answer = await peer.receive_json()
        if answer != {"envelope_id": envelope["envelope_id"], "payload": event}:
            raise ValueError(f"wrong answer: {answer}")
