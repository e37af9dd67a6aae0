"""`wirespeed connect` before the session: what it requests, and one clear line if it fails."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import commandline
import pytest
import trustme
from commandline import Outcome
from rawserver import RawConnection, raw_server
from servers import Behaviour, websockets_server

# The command has an event loop, so one here is enough.
pytestmark = pytest.mark.loops("asyncio")

CLOSED = "closed with code 1000 (normal closure)\n"


async def run(*arguments: str, stdin: bytes = b"") -> Outcome:
    return await asyncio.to_thread(commandline.run, *arguments, stdin=stdin)


async def test_headers_and_subprotocols_are_offered() -> None:
    async def serve(connection: RawConnection) -> None:
        upgrade = await connection.accept("Sec-WebSocket-Protocol: chat")
        headers.update(upgrade.headers)
        await connection.close_politely()

    headers: dict[str, str] = {}
    options = ["--header", "X-Token: a:b", "--header", "Origin:null"]
    options += ["--subprotocol", "chat", "--subprotocol", "other"]
    async with raw_server(serve) as url:
        outcome = await asyncio.to_thread(commandline.run, "connect", *options, url)
    assert outcome.status == 0
    assert (headers["x-token"], headers["origin"]) == ("a:b", "null")
    assert headers["sec-websocket-protocol"].replace(" ", "") == "chat,other"


async def test_a_private_ca(ca: trustme.CA, server_ssl: ssl.SSLContext, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    async with websockets_server(ssl=server_ssl) as listening:
        trusted = await run("connect", "--ca", str(path), listening.url, stdin=b"hi\n")
        refused = await run("connect", listening.url, stdin=b"hi\n")
    assert trusted == Outcome(0, "hi\n", CLOSED)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("wirespeed: cannot connect: certificate verify failed: ")
    assert refused.err.count("\n") == 1


async def test_a_server_that_speaks_no_tls() -> None:
    async with websockets_server() as listening:
        outcome = await run("connect", listening.url.replace("ws:", "wss:"))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("wirespeed: cannot connect: ")
    assert outcome.err.count("\n") == 1


async def test_a_server_that_refuses() -> None:
    async with websockets_server(Behaviour(refuse=(403, b"keep out"))) as listening:
        outcome = await run("connect", listening.url)
    text = "server refused the upgrade: 403 Forbidden"
    assert outcome == Outcome(1, "", f"wirespeed: cannot connect: {text}\n")


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        outcome = commandline.run("connect", f"ws://127.0.0.1:{bound.getsockname()[1]}/")
    assert outcome == Outcome(1, "", "wirespeed: cannot connect: Connection refused\n")


def test_a_bad_url() -> None:
    outcome = commandline.run("connect", "ws://127.0.0.1:http/")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("wirespeed: ")
    assert outcome.err.count("\n") == 1
