"""Openings that a peer cuts short at each step: a clear error at once, and nothing left.

The peer closes, resets or sends garbage at each step of `peers.steps`, in each way, plain and with
TLS. What it does before it has read anything is in `test_vanishing_peers`.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from peers import WAYS, Serving, check_next_opening, failure_of, peer_and_client, steps

import wirespeed

pytestmark = [
    pytest.mark.usefixtures("transports", "silence"),
    pytest.mark.parametrize("way", WAYS),
    pytest.mark.parametrize("scheme", ["ws", "wss"]),
]


async def test_cut_short_at_each_step(
    scheme: str, way: str, tmp_path: Path, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with peer_and_client(way, scheme, tmp_path, server_ssl, client_ssl) as (peer, client):
        for step in steps(way, scheme):
            for act in ("close", "reset", "garbage"):
                async with Serving(peer, step, act) as serving:
                    opening = client.opening()
                    await serving.reached.wait()
                    error, closed = await failure_of(opening)
                case = f"{act} at {step!r}: {error!r}"
                assert isinstance(error, wirespeed.HandshakeError | OSError), case
                assert not isinstance(error, wirespeed.OpenTimeout), case
                assert closed == 0, case
    await check_next_opening(scheme, server_ssl, client_ssl)


async def test_an_answer_that_ends_at_once(
    scheme: str, way: str, tmp_path: Path, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with peer_and_client(way, scheme, tmp_path, server_ssl, client_ssl) as (peer, client):
        async with Serving(peer, "upgrade: refusal", "close"):
            with pytest.raises(wirespeed.HandshakeError) as caught:
                await client.opening()
        assert (caught.value.status, caught.value.body) == (503, b"late")
        async with Serving(peer, "upgrade: answer and message", "close"):
            connection = await client.opening()
            assert await connection.receive_text() == "hi"
            with pytest.raises(wirespeed.ConnectionDisconnected):
                await connection.receive_text()
            await connection.wait_closed()
