"""A node of the XRP ledger: pings, server state, and a subscription to ledgers."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Answer each request until the connection is over."""
    while True:
        request = await peer.receive_json()
        answer = {"id": request["id"], "type": "response"}
        match request["command"]:
            case "ping":
                await peer.send_json({**answer, "status": "success", "result": {}})
            case "ledger_current":
                result = {"ledger_current_index": peer.received}
                await peer.send_json({**answer, "status": "success", "result": result})
            case "subscribe":
                await peer.send_json({**answer, "status": "success", "result": {}})
                for n in range(300):
                    await peer.send_json({"type": "ledgerClosed", "ledger_index": n})
            case other:
                error = {"error": "unknownCmd", "error_message": f"no command {other}"}
                await peer.send_json({**answer, "status": "error", **error})
