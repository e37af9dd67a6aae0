"""`WebSocketClient`, and what its connections have besides those of `connect`.

Each name of the API that it follows is a row of docs/seeds.md. A test in house/ checks that page.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import warnings
from typing import Any

import pytest
from ends import pong_frame
from rawserver import PING, TEXT, RawConnection, raw_server
from servers import Behaviour, aiohttp_server, websockets_server

import wirespeed
from wirespeed import ConnectionDisconnected, ProtocolHandler, ReadTimeout, WebSocketClient


class Backwards(ProtocolHandler):
    """A protocol handler that encodes text backwards."""

    @property
    def name(self) -> str:
        return "backwards.v1"

    def encode(self, data: Any) -> bytes:
        return str(data)[::-1].encode()

    def decode(self, data: bytes) -> Any:
        return data.decode()[::-1]


async def test_the_defaults() -> None:
    async with websockets_server() as server:
        ws = await WebSocketClient().connect(server.url)
        assert isinstance(ws, wirespeed.WebSocketConnection)
        await ws.send_text("text")
        await ws.send_bytes(b"bytes")
        await ws.send_json({"a": [1]})
        assert await ws.receive_bytes() == b"bytes"
        assert await ws.receive_text() == "text"
        assert await ws.receive_json() == {"a": [1]}
        await ws.close()
        assert await server.closes.get() == (1000, "")


async def test_connected() -> None:
    async with websockets_server() as server, WebSocketClient() as client:
        async with client.connect(server.url) as ws:
            assert ws.connected  # type: ignore[attr-defined]
            await ws.close()
            assert not ws.connected  # type: ignore[attr-defined]
            assert ws.close_code == 1000
        ws = await client.connect(server.url)
        ws.abort()
        assert not ws.connected  # type: ignore[attr-defined]
        await ws.wait_closed()
    async with websockets_server(Behaviour(close=(1001, ""))) as server:
        ws = await WebSocketClient().connect(server.url)
        await ws.wait_closed()
        assert not ws.connected  # type: ignore[attr-defined]


@pytest.mark.parametrize("one_queue", [False, True])
async def test_headers_of_the_handshake(one_queue: bool) -> None:
    async def serve(server: RawConnection) -> None:
        upgrade = await server.accept()
        assert upgrade.headers["sec-websocket-protocol"] == "a, b"
        assert upgrade.headers["connection"] == "Upgrade"
        assert upgrade.headers["x-own"] == "1"
        assert "permessage-deflate" in upgrade.headers["sec-websocket-extensions"]
        await server.read_rest()

    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "a, b",
        "Sec-WebSocket-Extensions": "permessage-deflate",
        "X-Own": "1",
    }
    async with raw_server(serve) as url:
        options = {"queue_maxsize": 5} if one_queue else {}
        ws = await WebSocketClient().connect(url, headers=headers, conn_opts=options)
        ws.abort()
    with pytest.raises(ValueError, match="Connection"):
        WebSocketClient().connect("ws://a", headers={"Connection": "close"})


async def test_text_and_bytes_are_awaited_by_different_tasks() -> None:
    async with websockets_server() as server, WebSocketClient().connect(server.url) as ws:
        text = asyncio.ensure_future(ws.receive_text())
        data = asyncio.ensure_future(ws.receive_bytes())
        value = asyncio.ensure_future(ws.receive_json())
        await ws.send_bytes(b"1")
        assert await data == b"1"
        assert not text.done()
        await ws.send_text("2")
        assert await text == "2"
        await ws.send_bytes(b"not JSON")
        await ws.send_text("[3]")
        assert await value == [3]
        assert await ws.receive_bytes() == b"not JSON"


async def test_by_position() -> None:
    async with aiohttp_server(Behaviour(subprotocols=["chat"])) as server:
        client = WebSocketClient(None)
        ws = await client.connect(server.url, True, None, {"X-A": "1"}, ["chat"], False, 5.0, {})
        assert ws.subprotocol == "chat"
        await ws.close(1001, "bye")
        assert (await server.closes.get())[0] == 1001


async def test_options_of_the_connection() -> None:
    options = {
        "text_queue_maxsize": 2,
        "binary_queue_maxsize": 1,
        "drop_frames": True,
        "protocol_handler": Backwards(),
    }
    burst = Behaviour(burst=["1", "2", "3", b"1", b"2", "4"], close=(1000, ""))
    async with websockets_server(burst) as server:
        ws = await WebSocketClient().connect(server.url, conn_opts=options)
        await ws.wait_closed()
        assert [await ws.receive_text(), await ws.receive_text()] == ["1", "2"]
        assert await ws.receive_bytes() == b"1"
        for receive in (ws.receive_text, ws.receive_bytes, ws.receive_protocol):
            with pytest.raises(ConnectionDisconnected):
                await receive()
        assert ws.dropped.messages == 3


async def test_a_queue_of_size_0_has_no_limit() -> None:
    burst = [str(number) for number in range(5000)]
    async with websockets_server(Behaviour(burst=burst, close=(1000, ""))) as server:
        options = {"text_queue_maxsize": 0, "drop_frames": True}
        ws = await WebSocketClient().connect(server.url, conn_opts=options)
        await ws.wait_closed()
        assert [await ws.receive_text() for _ in burst] == burst


async def test_a_protocol_handler() -> None:
    async with websockets_server(Behaviour(subprotocols=["backwards.v1"])) as server:
        options = {"protocol_handler": Backwards()}
        ws = await WebSocketClient().connect(server.url, conn_opts=options)
        assert ws.subprotocol == "backwards.v1"
        await ws.send_protocol("abc")
        assert await ws.receive_bytes() == b"cba"
        await ws.send_protocol("abc")
        assert await ws.receive_protocol(timeout=5) == "abc"
        with pytest.raises(ReadTimeout):
            await ws.receive_protocol(timeout=0.001)
        await ws.close()


async def test_the_handlers_name_is_offered_last() -> None:
    async def serve(server: RawConnection) -> None:
        upgrade = await server.accept()
        assert upgrade.headers["sec-websocket-protocol"] == "a, b, backwards.v1"
        await server.read_rest()

    async with raw_server(serve) as url:
        ws = await wirespeed.connect(
            url, subprotocols=["a", "b"], protocol_handler=Backwards(), ping_interval=None
        )
        ws.abort()


async def test_without_a_protocol_handler() -> None:
    async with websockets_server() as server, wirespeed.connect(server.url) as ws:
        with pytest.raises(RuntimeError, match="no protocol handler"):
            await ws.send_protocol("x")
        with pytest.raises(RuntimeError, match="no protocol handler"):
            await ws.receive_protocol()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"protocol_handler": object()}, TypeError, "must be a ProtocolHandler or None"),
        ({"text_queue_maxsize": -1}, ValueError, "text_queue_maxsize"),
    ],
)
async def test_wrong_options(options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        await WebSocketClient().connect("ws://127.0.0.1:9", conn_opts=options)


def test_unknown_options() -> None:
    with pytest.raises(TypeError, match="conn_opts has 'nope', allowed are "):
        WebSocketClient().connect("ws://a", conn_opts={"nope": 5})
    with pytest.raises(TypeError, match="nope"):
        WebSocketClient().connect("ws://a", nope=1)
    with pytest.raises(TypeError, match="nope"):
        WebSocketClient(nope=1)
    for wrong in (
        lambda: WebSocketClient(ping_interval=5),
        lambda: WebSocketClient().connect("ws://a", ping_interval=5),
    ):
        with pytest.raises(TypeError, match="keepalive_interval"):
            wrong()
    with pytest.raises(TypeError, match="connector must be None, not object"):
        WebSocketClient(object())  # type: ignore[arg-type]


async def test_verify(server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext) -> None:
    async with websockets_server(ssl=server_ssl) as server, WebSocketClient() as client:
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.connect(server.url)
        async with client.connect(server.url, ssl=client_ssl) as ws:
            await ws.send_text("verified")
            assert await ws.receive_text() == "verified"
        with pytest.warns(RuntimeWarning, match="ssl=False"):
            unverified = client.connect(server.url, verify=False)
        async with unverified as ws:
            await ws.send_text("not verified")
            assert await ws.receive_text() == "not verified"
        # The given context decides about verification.
        async with client.connect(server.url, verify=False, ssl=client_ssl) as ws:
            await ws.send_text("verified")
            assert await ws.receive_text() == "verified"


async def test_verify_means_nothing_without_tls() -> None:
    async with websockets_server() as server:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ws = await WebSocketClient().connect(server.url, verify=False)
        await ws.close()


async def test_defaults_for_all_connections_of_a_client() -> None:
    def loads(data: Any) -> Any:
        return {"own": json.loads(data)}

    async with websockets_server(Behaviour(subprotocols=["chat"])) as server:
        client = WebSocketClient(subprotocols=["chat"], loads=loads, text_queue_maxsize=7)
        for _ in range(2):
            async with client.connect(server.url) as ws:
                assert ws.subprotocol == "chat"
                await ws.send_json([1])
                assert await ws.receive_json() == {"own": [1]}
        async with client.connect(server.url, loads=json.loads) as ws:
            await ws.send_json([1])
            assert await ws.receive_json() == [1]


class Strict(wirespeed.ProtocolHandler):
    @property
    def name(self) -> str:
        return "strict"

    def encode(self, data: str) -> bytes:
        return data.encode()

    def decode(self, data: bytes) -> int:
        return int(data)


@pytest.mark.parametrize("options", [{}, {"queue_maxsize": 9}], ids=["two queues", "one queue"])
async def test_what_cannot_be_decoded_has_been_taken(options: dict[str, Any]) -> None:
    async with websockets_server(Behaviour()) as server:
        client = WebSocketClient(protocol_handler=Strict())
        async with client.connect(server.url, conn_opts=options) as ws:
            for text in ("{", "[1]"):
                await ws.send_text(text)
            with pytest.raises(json.JSONDecodeError):
                await ws.receive_json()
            assert await ws.receive_json() == [1]
            for number in ("x", "2"):
                await ws.send_protocol(number)
            with pytest.raises(ValueError, match="invalid literal"):
                await ws.receive_protocol()
            assert await ws.receive_protocol() == 2


async def test_pings_and_pongs() -> None:
    async def serve(server: RawConnection) -> None:
        await server.accept()
        # `abort` may end the connection anywhere, even in the middle of a ping of keep-alive.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while (frame := await server.read_frame()).opcode == PING:
                await server.write(pong_frame(frame.payload))

    async with raw_server(serve) as url:
        ws = await WebSocketClient().connect(url, keepalive_interval=0.001)
        for payload in (b"mine", b""):
            await ws.ping(payload)
            # The Pongs to keep-alive's Pings never appear here.
            assert await ws.receive_pong(timeout=5) == payload
        ws.stop_keep_alive()
        ws.start_keep_alive(interval=30.0)
        ws.abort()
        with pytest.raises(ConnectionDisconnected):
            await ws.receive_pong()


@pytest.mark.parametrize(("start_keepalive", "first"), [(True, PING), (False, TEXT)])
async def test_keep_alive_is_on_unless_asked(start_keepalive: bool, first: int) -> None:
    pinged = asyncio.Event()

    async def serve(server: RawConnection) -> None:
        await server.accept()
        assert (await server.read_frame()).opcode == first
        pinged.set()
        await server.read_rest()

    async with raw_server(serve) as url:
        ws = await WebSocketClient().connect(
            url, start_keepalive=start_keepalive, keepalive_interval=0.001
        )
        if not start_keepalive:
            await ws.send_text("first")
        await pinged.wait()
        ws.abort()


def test_constants() -> None:
    kind = wirespeed.WebSocketConnection
    opcodes = [
        *(kind.OPCODE_TEXT, kind.OPCODE_BINARY, kind.OPCODE_CLOSE),
        *(kind.OPCODE_PING, kind.OPCODE_PONG),
    ]
    assert opcodes == [1, 2, 8, 9, 10]


def test_the_names_of_the_module() -> None:
    from wirespeed import web_socket_client

    for name in set(web_socket_client.__all__) - {"Message", "MessageType", "WebSocketConnection"}:
        assert getattr(web_socket_client, name) is getattr(wirespeed, name)
    assert issubclass(web_socket_client.WebSocketConnection, wirespeed.WebSocketConnection)


def test_a_protocol_handler_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        ProtocolHandler()  # type: ignore[abstract]
