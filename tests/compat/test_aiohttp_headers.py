"""Headers of the opening handshake among the program's own, for `aiohttp` and for the drop-in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from compat_programs import ALONE, EACH_LIBRARY
from rawserver import RawConnection, Upgrade, accept_response, raw_server

from wirespeed.compat import aiohttp as dropin

# As a browser's developer tools show them.
PASTED = {
    "Host": "feed.example",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    "Origin": "https://feed.example",
    "User-Agent": "Mozilla/5.0",
    "Content-Length": "0",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
}


async def upgrade_of(lib: Any, *, answer: str = "", **options: Any) -> tuple[Upgrade, Any]:
    """Open and close a WebSocket; return the request and the WebSocket."""
    upgrades: asyncio.Queue[Upgrade] = asyncio.Queue()

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        upgrades.put_nowait(upgrade)
        end = f"\r\n{answer}\r\n\r\n" if answer else "\r\n\r\n"
        response = accept_response(upgrade)
        assert response.endswith(b"\r\n\r\n")
        await connection.write(response[:-4] + end.encode())
        await connection.close_politely()

    async with raw_server(handle) as url, lib.ClientSession() as session:
        async with session.ws_connect(url, **options) as ws:
            assert [message async for message in ws] == []
        return upgrades.get_nowait(), ws


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
@pytest.mark.parametrize("name", [*PASTED, None])
async def test_headers_from_a_browser(lib: Any, name: str | None) -> None:
    headers = PASTED if name is None else {name: PASTED[name]}
    upgrade, _ = await upgrade_of(lib, headers=headers)
    assert upgrade.headers["sec-websocket-version"] == "13"
    assert upgrade.headers["upgrade"].lower() == "websocket"
    if name is None:
        assert upgrade.headers["user-agent"] == "Mozilla/5.0"
        assert upgrade.headers["pragma"] == "no-cache"


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
async def test_a_subprotocol_in_the_headers(lib: Any) -> None:
    upgrade, _ = await upgrade_of(lib, headers={"Sec-WebSocket-Protocol": "ticks"})
    assert upgrade.headers["sec-websocket-protocol"] == "ticks"


@pytest.mark.parametrize("lib", [dropin, ALONE])
async def test_subprotocols_in_the_headers_are_added(lib: Any) -> None:
    upgrade, ws = await upgrade_of(
        lib,
        protocols=("a", "b"),
        headers=[("Sec-WebSocket-Protocol", "b, c"), ("sec-websocket-protocol", "d")],
        answer="Sec-WebSocket-Protocol: c",
    )
    assert upgrade.headers["sec-websocket-protocol"] == "a, b, c, d"
    assert ws.protocol == "c"


@pytest.mark.parametrize("lib", [dropin, ALONE])
async def test_an_extension_in_the_headers_is_offered(lib: Any) -> None:
    upgrade, ws = await upgrade_of(
        lib,
        headers={"Sec-WebSocket-Extensions": "permessage-deflate"},
        answer="Sec-WebSocket-Extensions: permessage-deflate",
    )
    assert upgrade.headers["sec-websocket-extensions"].startswith("permessage-deflate")
    assert ws.compress == 15


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
@pytest.mark.parametrize(
    ("offered", "answer", "protocol"),
    [
        ((), "other", None),
        (("a", "b"), "other", None),
        (("a", "b"), "other, b", "b"),
        (("a", "b"), "b", "b"),
    ],
)
async def test_a_subprotocol_that_was_not_offered(
    lib: Any, offered: tuple[str, ...], answer: str, protocol: str | None
) -> None:
    _, ws = await upgrade_of(lib, protocols=offered, answer=f"Sec-WebSocket-Protocol: {answer}")
    assert ws.protocol == protocol


@pytest.mark.parametrize("lib", [dropin, ALONE])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Upgrade", "h2c"),
        ("Connection", "close"),
        ("Sec-WebSocket-Version", "8"),
        ("Sec-WebSocket-Extensions", "secret-extension"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Sec-WebSocket-Protocol", "no token"),
    ],
)
async def test_headers_that_cannot_work(lib: Any, name: str, value: str) -> None:
    async with lib.ClientSession() as session:
        with pytest.raises(ValueError) as caught:  # noqa: PT011  # the texts differ
            await session.ws_connect("ws://127.0.0.1:9/", headers={name: value})
    assert value not in str(caught.value)
