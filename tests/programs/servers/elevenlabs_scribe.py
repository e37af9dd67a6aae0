"""A transcriber that answers each piece of audio with a partial transcript."""

from __future__ import annotations

from typing import Final

from programs.faults import FAULTS, TALK, Peer

PLAN: Final = (TALK, *FAULTS)


async def session(peer: Peer) -> None:
    """Answer each piece of audio until the connection is over."""
    await peer.send_json({"message_type": "session_started", "session_id": "of-the-test"})
    while True:
        message = await peer.receive_json()
        kind = "committed_transcript" if message["commit"] else "partial_transcript"
        text = f"{message['audio_base_64']} {peer.received}"
        await peer.send_json({"message_type": kind, "text": text})
