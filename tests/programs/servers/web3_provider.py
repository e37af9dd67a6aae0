"""A node of a blockchain: block numbers, balances, and a subscription to new blocks."""

from __future__ import annotations

from typing import Any, Final

from programs.faults import FAULTS, RESTARTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS, *RESTARTS)


async def session(peer: Peer) -> None:
    """Answer each request until the connection is over."""
    while True:
        request = await peer.receive_json()
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        match request["method"]:
            case "eth_blockNumber":
                await peer.send_json({**answer, "result": hex(peer.received)})
            case "eth_getBalance":
                await peer.send_json({**answer, "result": hex(10**18 + peer.received)})
            case "eth_subscribe":
                await peer.send_json({**answer, "result": "0xfeed"})
                for number in range(200):
                    await peer.send_json(head(number))
            case other:
                error = {"code": -32601, "message": f"the method {other} does not exist"}
                await peer.send_json({**answer, "error": error})


def head(number: int) -> dict[str, Any]:
    """Return the message for a new block."""
    block = {"number": hex(number), "hash": f"0x{number:064x}", "gasUsed": "0x5208"}
    params = {"subscription": "0xfeed", "result": block}
    return {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
