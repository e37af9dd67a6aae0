"""One program behaves the same with `aiohttp` and with `wirespeed.compat.aiohttp`.

The program uses only what both have.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from compat_programs import EACH_LIBRARY, opened, scripted, seen
from ends import (
    binary_frame,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
    turns,
)
from rawserver import CLOSE, PING, PONG, TEXT
from servers import Behaviour, ServerFactory, websockets_server

pytestmark = EACH_LIBRARY


async def test_types_of_messages(lib: Any, serve: ServerFactory) -> None:
    behaviour = Behaviour(burst=["text", b"data", '{"a": 1}'], close=(3001, "bye"))
    async with serve(behaviour) as server, opened(lib, server.url) as ws:
        assert (ws.closed, ws.close_code, ws.exception()) == (False, None, None)
        text, data, document, close, closed, again = [await ws.receive() for _ in range(6)]
        assert seen(text) == (lib.WSMsgType.TEXT, "text", "")
        assert seen(data) == (lib.WSMsgType.BINARY, b"data", "")
        assert document.json() == {"a": 1}
        assert document.json(loads=len) == 8
        assert seen(close) == (lib.WSMsgType.CLOSE, 3001, "bye")
        assert seen(closed) == seen(again) == (lib.WSMsgType.CLOSED, None, None)
        assert (ws.closed, ws.close_code, ws.exception()) == (True, 3001, None)
        kind, payload, extra = text
        assert (kind, payload, extra) == tuple(text) == (lib.WSMsgType.TEXT, "text", "")
        assert text[1] == "text"
        assert len(text) == 3
        assert text == (lib.WSMsgType.TEXT, "text", "")
        assert await ws.close() is False


async def test_iteration(lib: Any, serve: ServerFactory) -> None:
    behaviour = Behaviour(burst=["a", b"b"], close=(1000, ""))
    async with serve(behaviour) as server, opened(lib, server.url) as ws:
        assert [message.data async for message in ws] == ["a", b"b"]
        assert [message.data async for message in ws] == []
        assert ws.closed
        with pytest.raises(StopAsyncIteration):
            await anext(ws)


async def test_receive_of_one_type(lib: Any, serve: ServerFactory) -> None:
    burst: list[str | bytes] = ["a", b"b", "[1]", "[2]", b"x", "y", "last"]
    async with serve(Behaviour(burst=burst)) as server, opened(lib, server.url) as ws:
        assert await ws.receive_str() == "a"
        assert await ws.receive_bytes() == b"b"
        assert await ws.receive_json() == [1]
        assert await ws.receive_json(loads=str.upper, timeout=20) == "[2]"
        with pytest.raises(lib.WSMessageTypeError) as caught:
            await ws.receive_str(timeout=20)
        assert isinstance(caught.value, TypeError)
        with pytest.raises(TypeError):
            await ws.receive_bytes()
        assert (await ws.receive()).data == "last"


async def test_sends(lib: Any, serve: ServerFactory) -> None:
    async with serve() as server, opened(lib, server.url) as ws:
        await ws.send_str("é")
        await ws.send_bytes(bytearray(b"a"))
        await ws.send_bytes(memoryview(b"b"))
        await ws.send_json({"a": 1})
        await ws.send_json([1], dumps=lambda value: json.dumps(value) + " ")
        await ws.send_json_bytes([2], dumps=lambda value: json.dumps(value).encode())
        await ws.send_frame(b"frame", lib.WSMsgType.TEXT)
        await ws.send_frame(b"frame", lib.WSMsgType.BINARY)
        expected = ["é", b"a", b"b", '{"a": 1}', "[1] ", b"[2]", "frame", b"frame"]
        assert [(await ws.receive()).data for _ in expected] == expected


@pytest.mark.parametrize("value", [b"x", None, 1, ["x"]])
async def test_send_str_of_something_else(lib: Any, value: object) -> None:
    async with scripted(lib) as (ws, _):
        with pytest.raises(TypeError):
            await ws.send_str(value)


@pytest.mark.parametrize("value", ["x", None, 1, ["x"]])
async def test_send_bytes_of_something_else(lib: Any, value: object) -> None:
    async with scripted(lib) as (ws, _):
        with pytest.raises(TypeError):
            await ws.send_bytes(value)


async def test_send_after_the_end(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        server.writer.close()
        await ws.receive()
        for send in (ws.send_str("x"), ws.ping()) if lib is aiohttp else ():
            with pytest.raises(ConnectionResetError) as caught:
                await send
            assert isinstance(caught.value, lib.ClientConnectionError)
        if lib is not aiohttp:
            with pytest.raises(ConnectionResetError) as raised:
                ws.send_str("x")
            assert isinstance(raised.value, lib.ClientConnectionError)


async def test_ping_and_pong(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await ws.ping(b"first")
        await ws.pong(b"second")
        frames = [await server.read_frame() for _ in range(2)]
        assert [(frame.opcode, frame.payload) for frame in frames] == [
            (PING, b"first"),
            (PONG, b"second"),
        ]
        await server.write(ping_frame(b"?") + pong_frame(b"!") + text_frame("x"))
        assert (await ws.receive()).data == "x"
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"?")


async def test_pings_and_pongs_as_messages(lib: Any) -> None:
    async with scripted(lib, autoping=False) as (ws, server):
        await server.write(
            text_frame("a") + ping_frame(b"?") + pong_frame(b"!") + binary_frame(b"b")
        )
        messages = [seen(await ws.receive()) for _ in range(4)]
        assert messages == [
            (lib.WSMsgType.TEXT, "a", ""),
            (lib.WSMsgType.PING, b"?", ""),
            (lib.WSMsgType.PONG, b"!", ""),
            (lib.WSMsgType.BINARY, b"b", ""),
        ]
        await ws.pong(b"mine")
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"mine")


@pytest.mark.parametrize("decode_text", [True, False])
async def test_decoding(lib: Any, decode_text: bool) -> None:
    async with scripted(lib, decode_text=decode_text, autoping=False) as (ws, server):
        await server.write(text_frame("é") + ping_frame(b"?") + binary_frame(b"b"))
        text = "é" if decode_text else "é".encode()
        assert seen(await ws.receive()) == (lib.WSMsgType.TEXT, text, "")
        assert seen(await ws.receive()) == (lib.WSMsgType.PING, b"?", "")
        assert seen(await ws.receive()) == (lib.WSMsgType.BINARY, b"b", "")
        await server.write(text_frame("[1]") * 2)
        assert await ws.receive_str() == ("[1]" if decode_text else b"[1]")
        assert await ws.receive_json() == [1]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "x"), (4999, "é")])
async def test_close_frame_of_the_server(lib: Any, code: int, reason: str) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(close_frame(code, reason))
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSE, code, reason)
        assert (ws.closed, ws.close_code) == (True, code)
        assert (await server.read_frame()).opcode == CLOSE
        server.writer.close()
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)


async def test_messages_before_the_close_frame_can_be_answered(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(text_frame("a") + text_frame("b") + close_frame(1000))
        async for message in ws:
            await turns(10)
            assert not ws.closed
            await ws.send_str(message.data + "/answer")
        answers = [await server.read_frame() for _ in range(3)]
        assert [(frame.opcode, frame.payload) for frame in answers[:2]] == [
            (TEXT, b"a/answer"),
            (TEXT, b"b/answer"),
        ]
        assert answers[2].opcode == CLOSE
        server.writer.close()


async def test_without_autoclose(lib: Any) -> None:
    async with scripted(lib, autoclose=False) as (ws, server):
        await server.write(close_frame(3000, "why"))
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSE, 3000, "why")
        assert (ws.closed, ws.close_code) == (False, 3000)
        await ws.send_str("still there")
        assert (await server.read_frame()).payload == b"still there"
        closing = asyncio.create_task(ws.close(code=3001))
        assert await server.expect_close() == (3001, "")
        server.writer.close()
        assert await closing is True
        assert (ws.closed, ws.close_code) == (True, 3000)


async def test_without_autoclose_the_next_receive_closes(lib: Any) -> None:
    async with scripted(lib, autoclose=False) as (ws, server):
        await server.write(close_frame(1000))
        assert (await ws.receive()).type == lib.WSMsgType.CLOSE
        assert not ws.closed
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)
        assert (await server.read_frame()).opcode == CLOSE
        server.writer.close()
        assert ws.closed


async def test_close(lib: Any) -> None:
    async with websockets_server() as server:
        async with opened(lib, server.url) as ws:
            assert await ws.close(code=3001, message="räson".encode()) is True
            assert (ws.closed, ws.close_code, ws.exception()) == (True, 3001, None)
            assert await ws.close() is False
            assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)
        assert await server.closes.get() == (3001, "räson")


async def test_close_while_another_task_receives(lib: Any) -> None:
    async with websockets_server() as server, opened(lib, server.url) as ws:
        receiving = asyncio.create_task(ws.receive())
        await turns()
        assert await ws.close() is True
        assert seen(await receiving) == (lib.WSMsgType.CLOSING, None, None)


async def test_close_while_another_task_iterates(lib: Any) -> None:
    async def iterate(ws: Any) -> list[Any]:
        return [message async for message in ws]

    async with websockets_server() as server, opened(lib, server.url) as ws:
        iterating = asyncio.create_task(iterate(ws))
        await turns()
        await ws.close()
        assert await iterating == []


async def test_server_vanishes(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        receiving = asyncio.create_task(ws.receive())
        await turns()
        server.writer.close()
        assert seen(await receiving) == (lib.WSMsgType.CLOSED, None, None)
        assert (ws.closed, ws.close_code) == (True, 1006)
        assert isinstance(ws.exception(), ConnectionResetError)


async def test_server_breaks_the_protocol(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(text_frame("x") + b"\x83\x00")
        assert (await ws.receive()).data == "x"
        message = await ws.receive()
        assert message.type == lib.WSMsgType.ERROR
        assert isinstance(message.data, lib.WebSocketError)
        assert message.data.code == 1002
        assert await server.expect_close() != (1000, "")
        server.writer.close()
        assert ws.closed
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)


async def test_heartbeat(lib: Any) -> None:
    async with scripted(lib, heartbeat=0.05) as (ws, server):
        message = await ws.receive()
        assert message.type == lib.WSMsgType.ERROR
        assert isinstance(message.data, lib.ServerTimeoutError)
        assert isinstance(message.data, asyncio.TimeoutError)
        assert (ws.closed, ws.close_code, ws.exception()) == (True, 1006, message.data)
        assert (await server.read_frame()).opcode == PING


@pytest.mark.parametrize("way", ["receive", "receive_timeout", "ClientWSTimeout"])
async def test_receive_that_times_out(lib: Any, way: str) -> None:
    options: dict[str, Any] = {}
    if way == "receive_timeout":
        options["receive_timeout"] = 0.01
    elif way == "ClientWSTimeout":
        options["timeout"] = lib.ClientWSTimeout(ws_receive=0.01, ws_close=10.0)
    async with scripted(lib, **options) as (ws, server):
        with pytest.raises(asyncio.TimeoutError):
            await (ws.receive(0.01) if way == "receive" else ws.receive())
        assert not ws.closed
        await server.write(text_frame("x"))
        assert (await ws.receive(10)).data == "x"


def test_names(lib: Any) -> None:
    assert lib.WSMsgType.text is lib.WSMsgType.TEXT
    assert {name: int(value) for name, value in lib.WSMsgType.__members__.items()} == {
        name: int(value) for name, value in aiohttp.WSMsgType.__members__.items()
    }
    assert {name: int(value) for name, value in lib.WSCloseCode.__members__.items()} == {
        name: int(value) for name, value in aiohttp.WSCloseCode.__members__.items()
    }
    assert lib.ClientWSTimeout().ws_close is None
    message = lib.WSMessage(lib.WSMsgType.TEXT, "[1]", "")
    assert message.json() == [1]
    assert hash(message) == hash((lib.WSMsgType.TEXT, "[1]", ""))
