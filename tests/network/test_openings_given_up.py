"""Openings that are cancelled, or run out of time, at each step: nothing is left, nobody is harmed.

The peer falls silent at each step of `peers.steps`, in each way, plain and with TLS. Only then the
opening is given up, so no test waits for time to pass. Left out are steps at which the client is on
its way to the next one.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from ends import nothing_left, turns
from peers import (
    PROXIED_WAYS,
    WAYS,
    Client,
    Deadlines,
    Serving,
    check_next_opening,
    failure_of,
    peer_and_client,
    steps,
)
from resolving import NAME, resolve_never, silent_port

import wirespeed

pytestmark = pytest.mark.usefixtures("transports", "silence")

GIVING_UP = ("cancellation", "deadline")
PASSED = ("open", "encrypted")
# A SOCKS5 proxy's answer to the greeting.
GREETING = b"\x05\x00"


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch) -> Deadlines:
    """Return the deadlines of the openings of the test."""
    return Deadlines(monkeypatch)


async def given_up(
    opening: asyncio.Task[wirespeed.WebSocketConnection], how: str, deadlines: Deadlines
) -> BaseException | None:
    """Give up an opening that waits, in one of the two ways; return its error."""
    # It has processed what the peer had sent then.
    await turns(20)
    assert not opening.done()
    if how == "cancellation":
        opening.cancel()
    else:
        deadlines.expire()
    error, closed = await failure_of(opening)
    assert closed == 0
    return error


def check(error: BaseException | None, how: str, step: str) -> None:
    """Check the error of an opening that was given up."""
    case = f"{how} at {step!r}: {error!r}"
    if how == "cancellation":
        assert isinstance(error, asyncio.CancelledError), case
    elif step in {"upgrade: half a refusal", "proxy: half a refusal"}:
        # The server or the proxy did answer in time.
        assert isinstance(error, wirespeed.HandshakeError), case
        assert error.status == 503, case
    else:
        assert isinstance(error, wirespeed.OpenTimeout), case
        assert error.phase == step.partition(":")[0], case


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_given_up_at_each_step(
    scheme: str,
    way: str,
    tmp_path: Path,
    *,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
    deadlines: Deadlines,
) -> None:
    with peer_and_client(way, scheme, tmp_path, server_ssl, client_ssl) as (peer, client):
        for step in steps(way, scheme):
            if step.endswith(PASSED):
                continue
            for how in GIVING_UP:
                # The block ends when the peer has seen the end of the stream.
                async with nothing_left(), Serving(peer, step, "silence") as serving:
                    opening = client.opening()
                    await serving.reached.wait()
                    check(await given_up(opening, how, deadlines), how, step)
    await check_next_opening(scheme, server_ssl, client_ssl)


@pytest.mark.parametrize("how", GIVING_UP)
@pytest.mark.parametrize("phase", ["dns", "tcp"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_given_up_before_there_is_a_peer(
    scheme: str, phase: str, how: str, monkeypatch: pytest.MonkeyPatch, deadlines: Deadlines
) -> None:
    resolve_never(monkeypatch)
    with silent_port() as silent:
        host, port = silent.getsockname()
        at = f"{NAME if phase == 'dns' else host}:{port}"
        options: list[dict[str, Any]] = [{"proxy": f"{kind}://{at}"} for kind in PROXIED_WAYS]
        behind = [Client(f"{scheme}://server.example/", option) for option in options]
        for client in [Client(f"{scheme}://{at}/", {}), *behind]:
            async with nothing_left():
                check(await given_up(client.opening(), how, deadlines), how, phase)


@pytest.mark.parametrize("how", GIVING_UP)
@pytest.mark.parametrize(
    ("kind", "step", "answer"),
    [("socks4", "accepted", b""), ("socks5", "proxy: greeted", GREETING)],
)
async def test_given_up_while_the_servers_name_is_looked_up_for_a_proxy(
    kind: str,
    step: str,
    answer: bytes,
    how: str,
    tmp_path: Path,
    *,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    deadlines: Deadlines,
) -> None:
    resolve_never(monkeypatch)
    with peer_and_client(kind, "ws", tmp_path, server_ssl, client_ssl) as (peer, client):
        async with nothing_left(), Serving(peer, step, "silence", answer) as serving:
            opening = client.opening()
            await serving.reached.wait()
            check(await given_up(opening, how, deadlines), how, "proxy: lookup")
