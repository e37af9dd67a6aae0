"""A live session that repeats each turn, in as many parts as it has words."""

from __future__ import annotations

from typing import Any, Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Set up, and answer each turn until the connection is over."""
    setup = await peer.receive_json()
    assert "setup" in setup, setup
    await peer.send_json({"setupComplete": {}})
    while True:
        message = await peer.receive_json()
        if content := message.get("client_content"):
            for word in content["turns"][0]["parts"][0]["text"].split():
                await send(peer, modelTurn={"parts": [{"text": word}]})
            await send(peer, turnComplete=True)
        elif audio := message.get("realtime_input"):
            await send(peer, inputTranscription={"text": str(len(str(audio)))}, turnComplete=True)


async def send(peer: Peer, **content: Any) -> None:
    """Send a part of an answer."""
    await peer.send_json({"serverContent": content})
