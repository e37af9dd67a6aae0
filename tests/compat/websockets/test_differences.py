"""Each row of the table in docs/compat-websockets.md, shown with the drop-in.

What is the same in both is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ends import close_frame, text_frame
from rawserver import PING, TEXT, RawConnection, accept_response, raw_server
from reference import frame
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.protocol import State
from websockets_programs import end, scripted, told

from wirespeed.compat.websockets.asyncio import client as face

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "docs" / "compat-websockets.md").read_text(encoding="utf-8")


def test_each_row_has_its_test() -> None:
    rows = re.findall(r"^\|.*\| `(test_\w+)` \|$", TABLE, re.MULTILINE)
    table = TABLE.partition("## What differs")[2].partition("## What to gain")[0]
    assert len(rows) == len([line for line in table.splitlines() if line.startswith("|")]) - 2
    assert set(rows) <= {name for name in globals() if name.startswith("test_")}
    assert len(set(rows)) == len(rows)


async def test_a_slow_consumer_keeps_its_connection() -> None:
    async with scripted(face, ping_interval=0.02, ping_timeout=0.02, max_queue=1) as (ws, server):
        # The server does not answer Pings. Reading is paused as long as nobody receives.
        await server.write(text_frame("x") * 3)
        loop = asyncio.get_running_loop()
        # Ten times the limit.
        later = loop.time() + 0.4
        while loop.time() < later:
            await asyncio.wait([asyncio.create_task(ws.wait_closed())], timeout=0.05)
        assert ws.state is State.OPEN
        assert [await ws.recv() for _ in range(3)] == ["x"] * 3


async def test_any_byte_is_a_sign_of_life() -> None:
    async with scripted(face, ping_interval=0.05, ping_timeout=0.15) as (ws, server):

        async def answer() -> None:
            for _ in range(5):
                while (await server.read_frame()).opcode != PING:
                    pass
                await server.write(text_frame("no Pong, but alive"))

        answering = asyncio.create_task(answer())
        for _ in range(5):
            assert await ws.recv() == "no Pong, but alive"
        await answering
        assert ws.state is State.OPEN


async def test_a_receive_ends_without_the_end_of_the_stream() -> None:
    async with scripted(face, close_timeout=0.05) as (ws, server):
        await server.write(close_frame())
        exc = await told(ws.recv())
        assert type(exc) is ConnectionClosedOK
        assert isinstance(exc.__cause__, TimeoutError)
        assert ws.state is State.CLOSED


async def test_a_failed_write_ends_sending_only() -> None:
    async with scripted(face) as (ws, server):
        await server.write(text_frame("sent before"))
        ws._inner._closing.write_failed(BrokenPipeError())
        exc = await told(ws.send("x"))
        assert type(exc) is ConnectionClosedError
        assert isinstance(exc.__cause__, BrokenPipeError)
        assert await ws.recv() == "sent before"
        await end(server)


async def test_bad_text_fails_the_connection_as_it_arrives() -> None:
    async with scripted(face) as (ws, server):
        await server.write(frame(TEXT, b"\xff", fin=False))
        assert (await server.expect_close())[0] == 1007
        await end(server)
        await ws.wait_closed()


async def test_reasons_are_in_other_words() -> None:
    async with scripted(face, max_size=10) as (ws, server):
        await server.write(text_frame("x" * 11))
        code, reason = await server.expect_close()
        assert code == 1009
        assert reason == "message is at least 11 bytes, limit is 10 (max_message_size)"
        await end(server)
        exc: Any = await told(ws.recv())
        assert exc.sent.reason == reason


async def test_a_bad_first_fragment_sends_nothing() -> None:
    async with scripted(face) as (ws, server):
        exc = await told(ws.send([1]))
        assert type(exc) is TypeError
        assert str(exc) == "iterable must contain bytes or str"
        await ws.send("next")
        assert (await server.read_frame()).payload == b"next"


async def test_a_cancelled_stream_fails_the_connection() -> None:
    async with scripted(face) as (ws, server):
        never = asyncio.Event()

        async def each() -> AsyncIterator[str]:
            yield "first"
            await never.wait()

        sending = asyncio.create_task(ws.send(each()))
        assert (await server.read_frame()).payload == b"first"
        sending.cancel()
        assert await server.expect_close() == (1011, "error in fragmented message")
        await asyncio.wait([sending])
        assert sending.cancelled()
        await end(server)


async def test_pairs_of_marks() -> None:
    pairs = {"max_queue": (8, 2), "write_limit": (1000, 10), "max_size": (100, 50)}
    async with scripted(face, **pairs) as (ws, server):
        await ws.send("x" * 5000)
        assert (await server.read_frame()).payload == b"x" * 5000
        await server.write(text_frame("x" * 50) + text_frame("x" * 51))
        assert await ws.recv() == "x" * 50
        assert (await server.expect_close())[0] == 1009
        await end(server)
    for wrong in ((1, 2), (4, -1)):
        exc = await told(face.connect("ws://127.0.0.1:9/", max_queue=wrong, proxy=None).connect())
        assert type(exc) is ValueError


async def test_extensions() -> None:
    class Other:
        name = "x-other"

    exc = await told(face.connect("ws://a.example/", extensions=[Other()], proxy=None).connect())
    assert str(exc) == "extensions can have permessage-deflate only"
    offered = await request(
        extensions=[
            ClientPerMessageDeflateFactory(
                server_max_window_bits=10, client_max_window_bits=11, compress_settings={"level": 1}
            )
        ]
    )
    extension = offered["sec-websocket-extensions"]
    assert "server_max_window_bits=10" in extension
    assert "client_max_window_bits=11" in extension


async def request(**options: Any) -> dict[str, str]:
    """Return the headers of the request with these options."""
    seen: list[dict[str, str]] = []

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        seen.append(upgrade.headers)
        await connection.write(accept_response(upgrade))
        await connection.expect_close()

    async with raw_server(handle) as url, face.connect(url, proxy=None, **options) as ws:
        assert ws.request is not None
        seen[0]["request"] = str(ws.request.headers)
    return seen[0]


async def test_the_user_agent() -> None:
    assert (await request())["user-agent"].startswith("wirespeed/")


async def test_headers_of_the_handshake_are_sent_once() -> None:
    headers = await request(
        additional_headers={
            "Connection": "keep-alive",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "mine",
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
            "Sec-WebSocket-Protocol": "a, b",
        },
        subprotocols=["b", "c"],
        compression=None,
    )
    assert headers["connection"] == "Upgrade"
    assert headers["sec-websocket-version"] == "13"
    assert headers["sec-websocket-key"] != "mine"
    assert "sec-websocket-extensions" not in headers
    assert headers["sec-websocket-protocol"] == "b, c, a"
    strange = {"Sec-WebSocket-Version": "8"}
    exc = await told(
        face.connect("ws://a.example/", additional_headers=strange, proxy=None).connect()
    )
    assert type(exc) is ValueError


async def test_the_request_has_no_key() -> None:
    headers = await request()
    assert "Upgrade: websocket" in headers["request"]
    assert "Sec-WebSocket-Key" not in headers["request"]


async def test_a_long_body_is_cut_off() -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(b"HTTP/1.1 403 X\r\n\r\n" + b"x" * 70_000)

    async with raw_server(handle) as url:
        exc: Any = await told(face.connect(url, proxy=None).connect())
        assert type(exc) is InvalidStatus
        assert exc.response.body == b"x" * 65536


async def test_unknown_parameters_are_errors() -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'sokc'"):
        face.connect("ws://a.example/", sokc=None)


async def test_recv_returns_an_awaitable() -> None:
    async with scripted(face) as (ws, server):
        assert not asyncio.iscoroutinefunction(ws.recv)
        receiving = ws.recv()
        assert asyncio.iscoroutine(receiving)
        task = asyncio.create_task(receiving)
        await server.write(text_frame("x"))
        assert await asyncio.wait_for(task, 60) == "x"


async def test_the_iterator_is_no_generator() -> None:
    async with scripted(face) as (ws, _):
        iterator = aiter(ws)
        assert aiter(iterator) is iterator
        assert not hasattr(iterator, "aclose")
