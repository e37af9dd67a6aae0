"""An exchange: a stream of trades, and an API for requests, at two paths."""

from __future__ import annotations

from typing import Final

from programs.faults import TALK, Act, Peer

# The API, then a stream that connects again after each fault.
PLAN: Final = (
    TALK,
    Act(sent=50, close=(1012, "restarting")),
    Act(sent=50, close=(1000, "that is all")),
    Act(sent=50, abort=True),
    Act(refuse=503),
    Act(sent=50, close=(4001, "out of credit")),
    Act(refuse=401),
    TALK,
)


async def session(peer: Peer) -> None:
    """Send trades, or answer requests, until the connection is over."""
    if peer.path.startswith("/ws/"):
        for n in range(60):
            await peer.send_json({"e": "trade", "s": "BNBBTC", "t": n, "p": "0.001"})
        await peer.receive()
    while True:
        request = await peer.receive_json()
        if request["method"] == "ticker.price":
            symbol = request["params"]["symbol"]
            result = {"symbol": symbol, "price": f"{peer.received}.5"}
            await peer.send_json({"id": request["id"], "status": 200, "result": result})
        else:
            error = {"code": -1121, "msg": f"no method {request['method']}"}
            await peer.send_json({"id": request["id"], "status": 400, "error": error})
