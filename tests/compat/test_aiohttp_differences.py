"""Each row of the table in docs/compat-aiohttp.md, shown with the drop-in.

What is the same in both is tested elsewhere.
"""

from __future__ import annotations

import asyncio
import re
import runpy
import socket
from pathlib import Path
from typing import Any

import aiohttp as real
import pytest
from compat_programs import ALONE, opened, scripted
from ends import ping_frame, text_frame, turns
from rawserver import CLOSE, PONG, TEXT, RawConnection, accept_response, raw_server
from servers import Behaviour, aiohttp_server, websockets_server

from wirespeed.compat import aiohttp

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "compat-aiohttp.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "aiohttp_client.py"


def test_each_row_has_its_test() -> None:
    rows = re.findall(r"^\|.*\| `(test_\w+)` \|$", TABLE, re.MULTILINE)
    assert len(rows) == len(TABLE.partition("## What differs")[2].strip().splitlines()) - 4
    here = {name for name in globals() if name.startswith("test_")}
    assert set(rows) <= here
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("last", ["close", None])
async def test_the_example(last: str | None) -> None:
    answer: Any = runpy.run_path(str(EXAMPLE))["answer"]

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        await connection.write(text_frame("one") + text_frame("two"))
        frames = [await connection.read_frame() for _ in range(2)]
        assert [frame.payload for frame in frames] == [b"one/answer", b"two/answer"]
        if last is None:
            await connection.close_politely()
        else:
            await connection.write(text_frame(last))
            assert await connection.expect_close() == (1000, "")

    async with raw_server(handle) as url:
        await answer(url.replace("ws:", "http:"))


async def test_pings_are_answered_while_nobody_receives() -> None:
    async with scripted(aiohttp) as (_, server):
        await server.write(text_frame("not received") + ping_frame(b"?"))
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"?")


async def test_close_has_one_deadline() -> None:
    timeout = aiohttp.ClientWSTimeout(ws_close=0.2)
    async with scripted(aiohttp, timeout=timeout) as (ws, server):

        async def chatter() -> None:
            while True:
                await server.write(text_frame("and another thing"))
                await asyncio.sleep(0)

        chatting = asyncio.create_task(chatter())
        assert await ws.close() is True
        assert ws.close_code == 1006
        assert isinstance(ws.exception(), TimeoutError)
        chatting.cancel()
        await asyncio.gather(chatting, return_exceptions=True)


async def test_a_message_of_exactly_the_limit() -> None:
    async with scripted(aiohttp, max_msg_size=100) as (ws, server):
        await server.write(text_frame("x" * 100) + text_frame("x" * 101))
        assert (await ws.receive()).data == "x" * 100
        message = await ws.receive()
        assert (message.type, message.data.code) == (aiohttp.WSMsgType.ERROR, 1009)
        server.writer.close()


async def test_a_refusal_keeps_its_body() -> None:
    async with (
        websockets_server(Behaviour(refuse=(403, b"not today"))) as server,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(server.url)
        assert getattr(caught.value, "body", None) == b"not today"
        assert "not today" not in f"{caught.value} {caught.value!r}"


async def test_more_connections_than_the_limit() -> None:
    async with (
        websockets_server() as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        session.ws_connect(server.url) as one,
        session.ws_connect(server.url) as other,
    ):
        assert not one.closed
        assert not other.closed


async def test_a_timeout_changes_nothing() -> None:
    async with websockets_server() as server, opened(aiohttp, server.url) as ws:
        with pytest.raises(asyncio.TimeoutError):
            await ws.receive(0.01)
        assert ws.close_code is None
        await ws.send_str("echo")
        assert (await ws.receive()).data == "echo"
        assert await ws.close(code=3001) is True
        code: int | None = ws.close_code
        assert code == 3001
        assert ws.exception() is None
        assert (await server.closes.get())[0] == 3001


async def test_the_code_of_the_first_close_is_sent() -> None:
    async with websockets_server() as server, opened(aiohttp, server.url) as ws:

        async def read() -> None:
            await ws.receive()
            await ws.close(code=4000)

        reading = asyncio.create_task(read())
        await turns()
        await ws.close(code=1000)
        await reading
        assert (await server.closes.get())[0] == 1000


async def test_a_close_frame_without_a_code() -> None:
    async with scripted(aiohttp) as (ws, server):
        await server.write(b"\x88\x00")
        message = await ws.receive()
        assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 0, "")
        assert ws.close_code == 1005
        server.writer.close()


async def test_a_broken_protocol_keeps_its_code() -> None:
    async with scripted(aiohttp) as (ws, server):
        await server.write(b"\x83\x00")
        message = await ws.receive()
        assert (ws.close_code, ws.exception()) == (1002, message.data)
        server.writer.close()


async def test_the_connection_header_is_a_list() -> None:
    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        response = accept_response(upgrade)
        assert b"Connection: Upgrade" in response
        await connection.write(
            response.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade")
        )
        await connection.close_politely()

    async with raw_server(handle) as url, opened(aiohttp, url) as ws:
        assert [message async for message in ws] == []


async def test_sending_needs_no_await() -> None:
    async with scripted(aiohttp) as (ws, server):
        ws.send_str("a")
        ws.send_bytes(b"b")
        ws.ping("é")
        ws.pong()
        payloads = [(await server.read_frame()).payload for _ in range(4)]
        assert payloads == [b"a", b"b", "é".encode(), b""]


async def test_a_send_after_the_end_raises_at_once() -> None:
    async with scripted(aiohttp) as (ws, server):
        await asyncio.gather(ws.close(), server.expect_close(), _close_stream(server))
        for send in (ws.send_str, ws.ping, ws.pong):
            with pytest.raises(aiohttp.ClientConnectionResetError):
                send("x")


async def _close_stream(server: RawConnection) -> None:
    await turns(20)
    server.writer.close()


async def test_several_tasks_may_receive() -> None:
    async with scripted(aiohttp) as (ws, server):
        receiving = [asyncio.create_task(ws.receive()) for _ in range(3)]
        await turns()
        await server.write(text_frame("a") + text_frame("b") + b"\x88\x00")
        first, second, third = await asyncio.gather(*receiving)
        assert (first.data, second.data, third.type) == ("a", "b", aiohttp.WSMsgType.CLOSE)
        server.writer.close()


async def test_what_must_not_be_sent_is_refused() -> None:
    async with scripted(aiohttp) as (ws, server):
        for code, message in ((1006, b""), (999, b""), (1000, b"x" * 124), (1000, b"\xff")):
            with pytest.raises(ValueError, match=r"close|utf-8"):
                await ws.close(code=code, message=message)
        for send in (ws.ping, ws.pong):
            with pytest.raises(ValueError, match="limit is 125"):
                send(b"x" * 126)
            with pytest.raises(TypeError):
                send(1)
        for opcode in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CONTINUATION):
            with pytest.raises(ValueError, match="opcode"):
                ws.send_frame(b"", opcode)
        assert not ws.closed
        ws.send_str("the first")
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (TEXT, b"the first")


async def test_no_payload_in_texts() -> None:
    headers = {"Authorization": "secret"}
    async with websockets_server(Behaviour(refuse=(403, b"no"))) as server:
        for lib in (aiohttp, ALONE):
            async with lib.ClientSession() as session:
                with pytest.raises(lib.WSServerHandshakeError) as refused:
                    await session.ws_connect(server.url + "?token=secret", headers=headers)
                assert "secret" not in f"{refused.value} {refused.value!r}"
                assert refused.value.request_info.headers["authorization"] == "secret"
    async with scripted(aiohttp) as (ws, server):
        await server.write(text_frame("secret") * 2)
        assert "secret" not in repr(await ws.receive())
        with pytest.raises(aiohttp.WSMessageTypeError) as caught:
            await ws.receive_bytes()
        assert "secret" not in str(caught.value)
    assert "secret" not in repr(ALONE.BasicAuth("user", "secret"))


def test_messages_are_no_tuples() -> None:
    message = aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, "x", "")
    assert not isinstance(message, tuple)
    assert tuple(message) == message
    assert message == aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, "x", "")
    assert message != aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, "y", "")
    assert message != "x"


async def test_messages_that_are_kept_stay_what_they_are() -> None:
    async with scripted(aiohttp) as (ws, server):
        await server.write(b"".join(text_frame(str(number)) for number in range(100)))
        kept = [await ws.receive() for _ in range(50)]
        kept += [await anext(ws) for _ in range(50)]
        assert [message.data for message in kept] == [str(number) for number in range(100)]


async def test_a_session_closes_its_connections() -> None:
    async with websockets_server() as server:
        async with aiohttp.ClientSession() as session:
            ws = await session.ws_connect(server.url)
        assert (ws.closed, ws.close_code) == (True, 1001)
        assert (await server.closes.get())[0] == 1001


REFUSED: dict[str, Any] = {
    "method": "POST",
    "compress": 8,
    "proxy_headers": {"X": "y"},
    "proxy_auth": ("user", "password"),
    "auth": ("user", "password"),
    "protocols": "a, b",
    "params": {"a": None},
    "max_msg_size": 1.5,
    "timeout": "soon",
    "receive_timeout": -1,
    "ssl": "yes",
    "verify": False,
    "heartbeat": "often",
    "server_hostname": 1,
}


@pytest.mark.filterwarnings("ignore:.*parameter:DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
async def test_values_that_are_refused(name: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises((TypeError, ValueError)):
            await session.ws_connect("ws://127.0.0.1:9/", **{name: REFUSED[name]})


@pytest.mark.parametrize(
    "options",
    [
        {"connector": object()},
        {"timeout": 10},
        {"auth": "user"},
        {"ws_response_class": object},
        {"cookie_jar": object()},
        {"nonsense": 1},
        {"base_url": "http://127.0.0.1/x"},
        {"loop": object()},
    ],
    ids=str,
)
async def test_what_a_session_refuses(options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        aiohttp.ClientSession(**options)


async def test_requests_need_aiohttp() -> None:
    async with ALONE.ClientSession() as session:
        with pytest.raises(AttributeError, match="needs aiohttp"):
            session.get("http://127.0.0.1/")
        with pytest.raises(AttributeError, match="needs aiohttp"):
            _ = session.cookie_jar
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            _ = session.nonsense
    with pytest.raises(AttributeError, match="'web'"):
        _ = ALONE.web
    with pytest.raises(AttributeError, match="'nonsense'"):
        _ = aiohttp.nonsense
    with pytest.raises(TypeError, match="'trace_configs'"):
        ALONE.ClientSession(trace_configs=[])
    with pytest.raises(TypeError, match="'socket_factory'"):
        ALONE.TCPConnector(socket_factory=None)


async def test_another_protocol_in_the_headers() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="Sec-WebSocket-Version"):
            await session.ws_connect("ws://127.0.0.1:9/", headers={"Sec-WebSocket-Version": "8"})


async def test_a_subprotocol_in_the_headers() -> None:
    headers = {"Sec-WebSocket-Protocol": "ticks"}
    async with (
        aiohttp_server(Behaviour(subprotocols=["ticks"])) as server,
        opened(aiohttp, server.url, headers=headers) as ws,
    ):
        assert ws.protocol == "ticks"


async def test_compression_in_the_headers() -> None:
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    async with (
        aiohttp_server(Behaviour(compression=True)) as server,
        opened(aiohttp, server.url, headers=headers) as ws,
    ):
        assert ws.compress == 15
        await ws.send_str("x" * 1000)
        assert await ws.receive_str() == "x" * 1000


async def test_a_lost_connection_is_known_at_once() -> None:
    async with scripted(aiohttp) as (ws, server):
        await server.write(text_frame("x"))
        server.writer.close()
        async with asyncio.timeout(20):
            while ws.close_code is None:
                await turns()
        assert ws.close_code == 1006
        assert isinstance(ws.exception(), aiohttp.ClientConnectionResetError)
        assert not ws.closed
        assert (await ws.receive()).data == "x"
        assert ws.closed
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSED


async def test_messages_before_a_failed_heartbeat() -> None:
    async with scripted(aiohttp, heartbeat=0.05) as (ws, server):
        await server.write(text_frame("x"))
        async with asyncio.timeout(20):
            while not ws.closed:
                await turns()
        assert (await ws.receive()).data == "x"
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSED


async def test_timeouts_of_single_steps() -> None:
    asked = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        asked.set()
        await connection.read_rest()

    timeout = aiohttp.ClientTimeout(total=None, connect=0.2)
    async with raw_server(handle) as url, aiohttp.ClientSession(timeout=timeout) as session:
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await session.ws_connect(url)
        await asked.wait()


async def test_a_connector_that_makes_sockets() -> None:
    connector = real.TCPConnector(socket_factory=lambda _: socket.socket())
    with pytest.raises(ValueError, match="socket_factory cannot open WebSockets"):
        aiohttp.ClientSession(connector=connector)
    await connector.close()


async def test_traces_see_requests_only() -> None:
    started = []

    async def note(*_: Any) -> None:
        started.append(True)

    traces = aiohttp.TraceConfig()
    traces.on_request_start.append(note)
    async with (
        websockets_server() as server,
        aiohttp.ClientSession(trace_configs=[traces]) as session,
        session.ws_connect(server.url) as ws,
    ):
        assert not ws.closed
    assert started == []


async def test_compression_that_was_not_agreed_on() -> None:
    async with scripted(aiohttp) as (ws, _):
        with pytest.raises(ValueError, match="compress"):
            ws.send_str("x", 15)


@pytest.mark.parametrize("message", ["received", "iterated"])
async def test_a_close_frame_is_answered_though_nobody_receives(message: str) -> None:
    timeout = aiohttp.ClientWSTimeout(ws_close=0.05)
    async with scripted(aiohttp, timeout=timeout) as (_, server):
        await server.write(text_frame(message) + b"\x88\x02\x03\xe8")
        assert (await server.read_frame()).opcode == CLOSE
        server.writer.close()


async def test_without_a_session() -> None:
    async with aiohttp_server(Behaviour(subprotocols=["ticks"])) as server:
        async with aiohttp.ws_connect(
            server.url, protocols=("ticks",), loop=asyncio.get_running_loop()
        ) as ws:
            assert ws.protocol == "ticks"
            assert (ws.compress, ws.client_notakeover) == (0, False)
        with pytest.raises(ValueError, match="loop"):
            await aiohttp.ws_connect(server.url, loop=asyncio.new_event_loop)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [name for name in aiohttp.__all__ if name.endswith(("Error", "Mismatch")) or "Client" in name],
)
def test_errors_have_the_same_bases(name: str) -> None:
    ours, theirs = getattr(aiohttp, name), getattr(real, name, None)
    if theirs is None:
        theirs = getattr(real.client_exceptions, name, None) or real.http.WebSocketError
    if not issubclass(theirs, Exception):
        assert ours.__name__ == theirs.__name__
        return
    assert {base.__name__ for base in theirs.__mro__} <= {base.__name__ for base in ours.__mro__}


async def test_a_proxy_whose_url_has_a_bad_scheme() -> None:
    # aiohttp speaks HTTP to any proxy.
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.InvalidURL, match="proxy: url has the scheme 'ftp'") as caught:
            await session.ws_connect("ws://127.0.0.1/", proxy="ftp://127.0.0.1")
        assert not isinstance(caught.value, aiohttp.NonHttpUrlClientError)
