"""A node of Solana: subscriptions to slots, with three notifications each."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS, TALK)


async def session(peer: Peer) -> None:
    """Answer each request until the connection is over."""
    while True:
        request = await peer.receive_json()
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        match request["method"]:
            case "slotSubscribe":
                await peer.send_json({**answer, "result": peer.received})
                for n in range(3):
                    slot = {"parent": n, "root": n, "slot": peer.received}
                    params = {"result": slot, "subscription": peer.received}
                    message = {"jsonrpc": "2.0", "method": "slotNotification", "params": params}
                    await peer.send_json(message)
            case "slotUnsubscribe":
                await peer.send_json({**answer, "result": True})
            case other:
                error = {"code": -32601, "message": f"no method {other}"}
                await peer.send_json({**answer, "error": error})
