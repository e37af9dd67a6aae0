"""Music Assistant's WebSocket API: the greeting, commands that are answered, events."""

from __future__ import annotations

from typing import Any, Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS, TALK)

INFO: Final = {
    "server_id": "of the test",
    "server_version": "2.7.0",
    "sdk_version": "2.7.0",
    "schema_version": 28,
    "min_supported_schema_version": 28,
    "base_url": "http://127.0.0.1",
}


def queue(player: str) -> dict[str, Any]:
    """Return the queue of a player."""
    return {
        "queue_id": player,
        "active": True,
        "display_name": f"{player} €",
        "available": True,
        "items": len(player),
        "elapsed_time_last_updated": 0,
    }


async def session(peer: Peer) -> None:
    """Greet, and answer each command until the connection is over."""
    await peer.send_json(INFO)
    while True:
        request = await peer.receive_json()
        args = request["args"]
        answer = {"message_id": request["message_id"], "partial": False, "result": None}
        match request["command"]:
            case "auth" if args["token"] != "of-the-test":
                del answer["result"]
                await peer.send_json({**answer, "error_code": 20, "details": "a wrong token"})
            case "auth":
                await peer.send_json({**answer, "result": {"authenticated": True}})
            case "providers" | "providers/manifests" | "player_queues/all" | "players/all":
                await peer.send_json({**answer, "result": []})
            case "player_queues/get_active_queue":
                await peer.send_json({**answer, "result": queue(args["player_id"])})
            case "player_queues/seek":
                for n in range(args["position"]):
                    event = {"event": "queue_time_updated", "object_id": args["queue_id"]}
                    await peer.send_json({**event, "data": {"n": n, "text": "€" * n}})
                await peer.send_json(answer)
            case other:
                del answer["result"]
                await peer.send_json({**answer, "error_code": 2, "details": f"no {other}"})
