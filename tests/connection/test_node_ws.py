"""The client against npm's `ws`, whose permessage-deflate many servers use."""

from __future__ import annotations

import random
from typing import Any

import pytest
from nodews import node_ws_server, why_not

import wirespeed
from wirespeed import Deflate, WebSocketConnection

pytestmark = [
    pytest.mark.usefixtures("transports"),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

TICK = '{"symbol": "BTCUSD", "bid": 67012.25, "ask": 67012.5, "venues": ["a", "b", "c"]}'
SIZES = (0, 1, 100, 1023, 1024, 70_000)
LARGE = 1 << 20

# What each side asks for, and the result.
ALONE = {"server_no_context_takeover": True, "client_no_context_takeover": True}
PARAMETERS: dict[str, tuple[Deflate, dict[str, Any], dict[str, Any]]] = {
    "defaults": (
        Deflate(),
        {},
        {"server_no_context_takeover": False, "client_no_context_takeover": False},
    ),
    "everything compressed": (Deflate(threshold=0), {"threshold": 0}, {}),
    "best": (Deflate(threshold=0, level=9, mem_level=9), {"threshold": 0}, {}),
    "alone, asked for by the server": (
        Deflate(threshold=0),
        {"threshold": 0, "serverNoContextTakeover": True, "clientNoContextTakeover": True},
        ALONE,
    ),
    "alone, asked for by the client": (Deflate(threshold=0, **ALONE), {"threshold": 0}, ALONE),
    "windows, asked for by the server": (
        Deflate(threshold=0),
        {"threshold": 0, "serverMaxWindowBits": 10, "clientMaxWindowBits": 9},
        {"server_max_window_bits": 10, "client_max_window_bits": 9},
    ),
    "windows, asked for by the client": (
        Deflate(threshold=0, server_max_window_bits=9, client_max_window_bits=12),
        {"threshold": 0},
        {"server_max_window_bits": 9, "client_max_window_bits": 12},
    ),
    "windows, alone": (
        Deflate(threshold=0, server_max_window_bits=9, **ALONE),
        {"threshold": 0, "clientMaxWindowBits": 10},
        {"server_max_window_bits": 9, "client_max_window_bits": 10, **ALONE},
    ),
}


async def exchange(ws: WebSocketConnection, size: int) -> None:
    """Send messages of `size` in every way, and expect each of them back."""
    text = (TICK * (size // len(TICK) + 1))[:size]
    noise = random.Random(size).randbytes(size)
    for _ in range(2):
        await ws.send(text)
        assert await ws.receive_text() == text
        await ws.send(noise)
        assert await ws.receive_bytes() == noise
    await ws.send(text, compress=True)
    await ws.send(text, compress=False)
    await ws.send([text[: size // 3], "", text[size // 3 :]])
    await ws.send([noise[:1], noise[1:]])
    await ws.send_many([text, noise] * 3)
    assert [await ws.receive_text() for _ in range(3)] == [text] * 3
    assert await ws.receive_bytes() == noise
    assert [(await ws.receive()).data for _ in range(6)] == [text, noise] * 3


@pytest.mark.parametrize("fragments", [1, 3], ids=["whole", "fragments"])
@pytest.mark.parametrize("parameters", PARAMETERS)
async def test_compressed_messages_come_back(parameters: str, fragments: int) -> None:
    offered, settings, agreed = PARAMETERS[parameters]
    with node_ws_server(settings, fragments=fragments) as url:
        async with wirespeed.connect(url, compression=offered) as ws:
            for name, value in agreed.items():
                assert getattr(ws.compression, name) == value, name
            for size in (*SIZES, LARGE) if parameters == "defaults" else SIZES:
                await exchange(ws, size)
            before = ws.stats
            for _ in range(2):
                await ws.send(TICK * 100)
                assert await ws.receive_text() == TICK * 100
            after = ws.stats
    # Both sides compress.
    most = len(TICK) * 100
    assert after.payload_bytes_sent - before.payload_bytes_sent < most
    assert after.payload_bytes_received - before.payload_bytes_received < most
    assert ws.close_code == 1000


@pytest.mark.parametrize("offered", [None, "deflate"])
async def test_without_compression(offered: Any) -> None:
    with node_ws_server(offered is None) as url:
        async with wirespeed.connect(url, compression=offered) as ws:
            assert ws.compression is None
            for size in (*SIZES, LARGE):
                await exchange(ws, size)
