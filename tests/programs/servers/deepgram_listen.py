"""A transcriber that hears one word in each piece of audio."""

from __future__ import annotations

import json
from typing import Any, Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Answer each piece of audio until the client finishes or the connection is over."""
    heard = 0
    while True:
        message = await peer.receive()
        if isinstance(message, bytes):
            heard += len(message)
            await peer.send_json(result(f"word {peer.received}", heard))
            continue
        match json.loads(message)["type"]:
            case "CloseStream":
                metadata = {"request_id": "of-the-test", "duration": heard / 16000, "channels": 1}
                await peer.send_json({"type": "Metadata", **metadata})
                return
            case "Finalize":
                await peer.send_json(result("the end", heard))


def result(word: str, heard: int) -> dict[str, Any]:
    """Return the result of a piece of audio."""
    alternative = {"transcript": word, "confidence": 0.5, "words": []}
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": 0.02,
        "start": heard / 16000,
        "is_final": True,
        "channel": {"alternatives": [alternative]},
        "metadata": {"request_id": "of-the-test"},
    }
