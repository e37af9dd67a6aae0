"""The log of opening handshakes shows what was sent and received, and no secret."""

from __future__ import annotations

import logging

import pytest

import wirespeed
from wirespeed._opening.handshake_log import log_response
from wirespeed.testing import ServerConnection, refuse, serve


async def hello(client: ServerConnection) -> None:
    await client.accept(subprotocol="chat", headers={"Set-Cookie": "a=secret", "Server": "s"})


async def test_the_heads_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wirespeed.handshake")
    headers = {"X-Auth-Token": "secret", "X-Note": "shown", "Referer": "http://h/?secret"}
    options = {"auth": ("u", "secret"), "cookies": {"a": "secret"}}
    async with serve(hello, accept=False) as url:
        await wirespeed.connect(
            f"{url}path?secret",
            headers=headers,
            subprotocols=["chat", "secret" * 6],
            **options,  # type: ignore[arg-type]
        )
    lines = caplog.messages
    assert lines[0] == "> GET /path?(hidden) HTTP/1.1"
    assert {
        "> Upgrade: websocket",
        "> Authorization: (hidden)",
        "> Cookie: (hidden)",
        "> X-Auth-Token: (hidden)",
        "> X-Note: shown",
        "> Referer: http://h/?(hidden)",
        "> Sec-WebSocket-Protocol: chat, (hidden)",
        "< 101 Switching Protocols",
        "< Set-Cookie: (hidden)",
        "< Server: s",
        "< Sec-WebSocket-Protocol: chat",
    } <= set(lines)
    assert "secret" not in caplog.text
    assert any(line.startswith("> Sec-WebSocket-Key: ") and "hidden" not in line for line in lines)


async def test_redirects_and_refusals_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wirespeed.handshake")
    async with serve(refuse(403)) as last:
        location = f"{last}next?secret"
        async with serve(refuse(302, headers={"Location": location})) as url:
            with pytest.raises(wirespeed.HandshakeError):
                await wirespeed.connect(url)
    heads = [line for line in caplog.messages if ": " not in line]
    assert heads == [
        "> GET / HTTP/1.1",
        "< 302 Found",
        "> GET /next?(hidden) HTTP/1.1",
        "< 403 Forbidden",
    ]
    assert "secret" not in caplog.text


def test_a_password_in_a_location(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wirespeed.handshake")
    log_response(302, "Found", [("Location", "wss://user:secret@h/path")])
    assert caplog.messages == ["< 302 Found", "< Location: wss://(hidden)@h/path"]


async def test_nothing_is_logged_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wirespeed")
    async with serve(hello, accept=False) as url:
        await wirespeed.connect(url, subprotocols=["chat"])
    assert not [record for record in caplog.records if record.name == "wirespeed.handshake"]
