"""A realtime server that repeats each item of the conversation, and answers with deltas."""

from __future__ import annotations

from typing import Any, Final

from programs.faults import FAULTS, RESTARTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS, *RESTARTS)


async def session(peer: Peer) -> None:
    """Answer each event until the connection is over."""
    await send(peer, type="session.created", session={"type": "realtime", "model": peer.path})
    while True:
        event = await peer.receive_json()
        match event["type"]:
            case "session.update":
                await send(peer, type="session.updated", session=event["session"])
            case "conversation.item.create":
                await send(peer, type="conversation.item.added", item=event["item"])
            case "response.create":
                for n in range(300):
                    await send(peer, type="response.output_text.delta", delta=f"word {n} ")
                await send(peer, type="response.done", response={"status": "completed"})
            case other:
                await send(peer, type="error", error={"type": "unknown", "message": other})


async def send(peer: Peer, **event: Any) -> None:
    """Send an event as JSON."""
    await peer.send_json({"event_id": f"event_{peer.sent}", **event})
