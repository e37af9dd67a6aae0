"""A reconnecting loop goes on over openings that fail at any step.

Each step occurs, and each kind of way; `tests/network` tries all pairs of them in single openings.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from pathlib import Path

import pytest
from ends import nothing_left, turns
from peers import PATIENCE_SECONDS, Deadlines, Peer, Serving, peer_and_client, steps

import wirespeed

# What comes after a good status is a fault of the server or the proxy, which no retry helps.
FAULTS = {("upgrade: half an answer", "garbage"), ("proxy: open", "garbage")}
WAYS = [("unix", "ws"), ("name", "wss"), ("http", "wss"), ("https", "wss"), ("socks4", "ws")]


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize(("way", "scheme"), WAYS)
async def test_going_on_after_each_failure(
    way: str,
    scheme: str,
    tmp_path: Path,
    *,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadlines = Deadlines(monkeypatch)
    acts = ("close", "reset", "garbage", "silence")
    pairs = itertools.product(steps(way, scheme), acts)
    failing = [pair for pair in pairs if pair not in FAULTS]
    failures: list[Exception] = []

    def should_retry(exc: Exception) -> bool:
        failures.append(exc)
        return wirespeed.should_retry(exc)

    async def serve(peer: Peer) -> None:
        for step, act in failing:
            async with Serving(peer, step, act) as serving:
                if act == "silence":
                    await serving.reached.wait()
                    await turns(20)
                    deadlines.expire()
        async with Serving(peer, "upgrade: answer and message", "close"):
            pass

    policy = wirespeed.Reconnect(initial=0, maximum=0, should_retry=should_retry)
    with peer_and_client(way, scheme, tmp_path, server_ssl, client_ssl) as (peer, client):
        async with nothing_left():
            serving = asyncio.create_task(serve(peer))
            connecting = wirespeed.connect(
                client.url, reconnect=policy, open_timeout=PATIENCE_SECONDS, **client.options
            )
            async with contextlib.aclosing(aiter(connecting)) as connections:
                connection = await anext(connections)
                assert await connection.receive_text() == "hi"
            await serving
    assert len(failures) == len(failing)
