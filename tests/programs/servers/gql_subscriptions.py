"""A GraphQL server that speaks graphql-transport-ws.

The query `{ echo(text: "...") }` answers its text, and the subscription `{ count(to: N) }` counts.
"""

from __future__ import annotations

import re
from typing import Any, Final

from programs.faults import FAULTS, RESTARTS, TALK, Peer

SUBPROTOCOLS: Final = ("graphql-transport-ws",)
PLAN: Final = (TALK, *FAULTS, *RESTARTS)


async def session(peer: Peer) -> None:
    """Answer each operation until the connection is over."""
    while True:
        message = await peer.receive_json()
        match message["type"]:
            case "connection_init":
                await peer.send_json(
                    {"type": "connection_ack", "payload": {"token": message["payload"]}}
                )
                await peer.send_json({"type": "ping"})
            case "subscribe":
                for result in results_of(message["payload"]["query"]):
                    await peer.send_json({"id": message["id"], "type": "next", "payload": result})
                await peer.send_json({"id": message["id"], "type": "complete"})


def results_of(query: str) -> list[dict[str, Any]]:
    """Return the results of an operation."""
    if found := re.search(r'echo\(text: "(.*)"\)', query):
        return [{"data": {"echo": found[1]}}]
    if found := re.search(r"count\(to: (\d+)\)", query):
        return [{"data": {"count": n}} for n in range(int(found[1]))]
    return [{"errors": [{"message": f"no such operation: {query}"}]}]
