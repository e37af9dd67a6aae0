"""Openings that meet a peer that is gone right after `accept`: an error at once, and no harm.

The peer acts at any time, so each case is tried several times. While openings fail, the test opens
files, and the client must not close any of them.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import pytest
from peers import CONNECTED, REFUSAL, WAYS, Serving, failure_of, peer_and_client

import wirespeed

TRIES: Final = 12

# What the peer does right after `accept`, and what it sends first.
ACTS: Final[dict[str, tuple[str, bytes]]] = {
    "close": ("close", b""),
    "reset": ("reset", b""),
    "half an answer": ("close", b"HTTP/1.1 101 Swit"),
    "garbage": ("close", b"\x00\xff" * 50),
    "garbage, no end": ("garbage", b""),
    "refusal": ("close", REFUSAL),
    "tunnel, then close": ("close", CONNECTED),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.usefixtures("transports")
async def test_a_failed_opening_raises_at_once_and_harms_nobody(
    scheme: str,
    way: str,
    act: str,
    tmp_path: Path,
    *,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
) -> None:
    with peer_and_client(way, scheme, tmp_path, server_ssl, client_ssl) as (peer, client):
        for _ in range(TRIES):
            async with Serving(peer, "accepted", *ACTS[act]):
                error, closed = await failure_of(client.opening())
            assert isinstance(error, wirespeed.HandshakeError | OSError), repr(error)
            assert not isinstance(error, wirespeed.OpenTimeout)
            assert closed == 0
