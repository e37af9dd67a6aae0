"""Home Assistant's WebSocket API: the handshake, commands that are repeated, events."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS, TALK)


async def session(peer: Peer) -> None:
    """Let the client in, and answer each command until the connection is over."""
    await peer.send_json({"type": "auth_required", "ha_version": "2026.11.0"})
    request = await peer.receive_json()
    if request["access_token"] != "of-the-test":
        await peer.send_json({"type": "auth_invalid", "message": "Invalid access token"})
        await peer.receive()
    await peer.send_json({"type": "auth_ok", "ha_version": "2026.11.0"})
    while True:
        request = await peer.receive_json()
        answer = {"id": request["id"], "type": "result", "success": True, "result": None}
        match request["type"]:
            case "call_service":
                await peer.send_json({**answer, "result": request})
            case "subscribe_events":
                await peer.send_json(answer)
                for n in range(300):
                    event = {"event_type": request["event_type"], "data": {"n": n, "text": "€" * n}}
                    await peer.send_json({"id": request["id"], "type": "event", "event": event})
            case "unsubscribe_events":
                await peer.send_json(answer)
            case other:
                error = {"code": "unknown_command", "message": f"no command {other}"}
                await peer.send_json({**answer, "success": False, "error": error})
