"""Programs that import aiosonic, with it and with the drop-in in its place."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiosonic
import aiosonic.exceptions
import aiosonic.web_socket_client
import pytest
from ends import close_frame, ping_frame, text_frame, turns
from rawserver import PONG, RawConnection, raw_server
from servers import websockets_server

from wirespeed import compat
from wirespeed.compat import aiosonic as dropin

NAMES = ("Message", "MessageType", "ProtocolHandler", "WebSocketClient", "WebSocketConnection")


def named() -> list[Any]:
    """Return what the replaced names stand for."""
    places = (aiosonic, aiosonic.web_socket_client)
    return [getattr(place, name) for place in places for name in NAMES]


@pytest.fixture
def installed() -> Iterator[None]:
    """Install the drop-in for one test."""
    before = named()
    compat.install("aiosonic")
    yield
    compat.uninstall("aiosonic")
    assert named() == before


@pytest.fixture(params=["aiosonic", "drop-in"])
def _each(request: pytest.FixtureRequest) -> None:
    if request.param == "drop-in":
        request.getfixturevalue("installed")


@asynccontextmanager
async def scripted(data: bytes, **options: Any) -> AsyncIterator[Any]:
    """Yield an open connection, on which the server sends data and then waits for the end."""

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        await connection.write(data)
        await connection.expect_close()

    async with raw_server(handle) as url:
        ws = await aiosonic.WebSocketClient().connect(url, start_keepalive=False, **options)
        yield ws
        await ws.close()
        await turns(5)


@pytest.mark.usefixtures("_each")
async def test_a_program_of_aiosonic() -> None:
    async with websockets_server() as server:
        ws = await aiosonic.WebSocketClient().connect(server.url, start_keepalive=False)
        assert isinstance(ws, aiosonic.WebSocketConnection)
        async with ws:
            await ws.send_text("a")
            assert await ws.receive_text() == "a"
            await ws.send_bytes(b"b")
            with pytest.raises(ValueError, match="Expected a text message"):
                await ws.receive_text()
            await ws.ping(b"c")
            assert await ws.receive_pong() == b"c"
            await ws.send_text("d")
            async for message in ws:
                assert message == aiosonic.Message.create_text("d")
                assert message.type is aiosonic.MessageType.TEXT
                break
        assert not ws.connected
    await turns(5)


@pytest.mark.usefixtures("_each")
async def test_errors_of_aiosonic() -> None:
    async with scripted(b"") as ws:
        with pytest.raises(aiosonic.exceptions.ReadTimeout):
            await ws.receive_text(timeout=0.01)
        with pytest.raises(aiosonic.exceptions.ReadTimeout):
            await ws.receive_pong(timeout=0.01)


# Two Close frames, and text that is not UTF-8.
@pytest.mark.usefixtures("_each")
@pytest.mark.parametrize("end", [close_frame(1000), close_frame(1011, "gone"), b"\x81\x01\xff"])
async def test_each_end_has_one_error(end: bytes) -> None:
    async with scripted(text_frame("last") + end) as ws:
        assert [message.data async for message in ws] == ["last"]
        for use in (ws.receive_text, ws.receive_bytes, ws.receive_pong):
            with pytest.raises(aiosonic.exceptions.ConnectionDisconnected):
                await use()
        with pytest.raises(aiosonic.exceptions.ConnectionDisconnected):
            await ws.send_text("x")


@pytest.mark.usefixtures("_each")
async def test_a_message_that_is_too_big() -> None:
    too_big = text_frame("x" * 11)
    async with scripted(text_frame("x" * 10) + too_big, max_msg_size=10) as ws:
        assert await ws.receive_text() == "x" * 10
        with pytest.raises(aiosonic.exceptions.WebSocketMessageTooBig):
            await ws.receive_text()
    async with scripted(too_big, max_msg_size=10) as ws:
        with pytest.raises(aiosonic.exceptions.WebSocketMessageTooBig):
            async for _ in ws:
                pass


@pytest.mark.usefixtures("installed")
async def test_what_is_installed() -> None:
    async with websockets_server() as server:
        ws = await aiosonic.WebSocketClient().connect(server.url)
        assert isinstance(ws, dropin.WebSocketConnection)
        await ws.send_bytes(b"binary")
        await ws.send_text("text")
        messages: Any = aiter(ws)
        assert [(await anext(messages)).data for _ in range(2)] == [b"binary", "text"]
        await ws.close()
        queues = {"text_queue_maxsize": 5}
        ws = await aiosonic.WebSocketClient().connect(server.url, conn_opts=queues)
        await ws.send_bytes(b"binary")
        await ws.send_text("text")
        assert await ws.receive_text() == "text"
        await ws.close()


@pytest.mark.usefixtures("installed")
async def test_the_code_of_the_server() -> None:
    answers: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        await connection.write(close_frame(4001, "bye"))
        answers.put_nowait(await connection.expect_close())

    async with raw_server(handle) as url:
        ws = await aiosonic.WebSocketClient().connect(url)
        assert await answers.get() == (4001, "bye")
        assert [message async for message in ws] == []
        assert ws.close_code == 4001
        await ws.close()
        assert ws.close_code == 4001


@pytest.mark.usefixtures("installed")
async def test_pings_are_answered() -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        await connection.write(ping_frame(b"?"))
        frame = await connection.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"?")
        await connection.close_politely()

    async with raw_server(handle) as url:
        ws = await aiosonic.WebSocketClient().connect(url, start_keepalive=False)
        assert [message async for message in ws] == []


def test_aiosonic_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiosonic", None)
    with pytest.raises(ImportError, match="aiosonic"):
        compat.install("aiosonic")
