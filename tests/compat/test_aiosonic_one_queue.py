"""Connections with one queue, as in aiosonic 0.24 and later."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from servers import Behaviour, websockets_server

from wirespeed.web_socket_client import (
    ConnectionDisconnected,
    Message,
    MessageType,
    ReadTimeout,
    WebSocketClient,
)


async def test_messages_in_one_queue() -> None:
    async with websockets_server() as server:
        ws: Any = await WebSocketClient().connect(server.url, conn_opts={"queue_maxsize": 5})
        assert ws.connected
        await ws.send_text("a")
        assert await ws.receive_text() == "a"
        await ws.send_bytes(b"b")
        assert await ws.receive_bytes(timeout=20) == b"b"
        await ws.send_json({"c": 1})
        assert await ws.receive_json() == {"c": 1}
        with pytest.raises(ReadTimeout):
            await ws.receive_text(timeout=0.01)
        await ws.close()
        assert not ws.connected
        with pytest.raises(ConnectionDisconnected):
            await ws.receive_text()


async def test_a_message_of_the_other_type_raises_and_is_taken() -> None:
    burst: list[str | bytes] = [b"1", "2", b"3", "4"]
    async with websockets_server(Behaviour(burst=burst)) as server:
        ws = await WebSocketClient().connect(server.url, conn_opts={"queue_maxsize": 5})
        with pytest.raises(ValueError, match="a text message"):
            await ws.receive_text()
        with pytest.raises(ValueError, match="a binary message"):
            await ws.receive_bytes()
        with pytest.raises(TypeError, match="a text message"):
            await ws.receive_json()
        assert await ws.receive_text() == "4"
        await ws.close()


async def test_iteration() -> None:
    behaviour = Behaviour(burst=["é", b"b"], close=(1011, "trouble"))
    async with websockets_server(behaviour) as server:
        ws = await WebSocketClient().connect(server.url, conn_opts={"queue_maxsize": 5})
        messages: list[Any] = [message async for message in ws]
        assert messages == [Message.create_text("é"), Message.create_binary(b"b")]
        text, binary = messages
        assert (text.type, text.data, text.opcode) == (MessageType.TEXT, "é", 1)
        assert text.raw_data == "é".encode()
        assert (binary.type, binary.data, binary.raw_data) == (MessageType.BINARY, b"b", b"b")
        assert ws.close_code == 1011


async def test_drop_frames_and_the_size_of_a_message() -> None:
    behaviour = Behaviour(burst=["1", b"2", "3"], close=(1000, ""))
    async with websockets_server(behaviour) as server:
        options = {"queue_maxsize": 2, "drop_frames": True}
        ws = await WebSocketClient().connect(server.url, conn_opts=options, max_msg_size=1)
        await ws.wait_closed()
        assert await ws.receive_text() == "1"
        assert await ws.receive_bytes() == b"2"
        assert ws.dropped.messages == 1


def test_one_queue_or_two() -> None:
    with pytest.raises(TypeError, match="one queue"):
        WebSocketClient().connect("ws://a", conn_opts={"queue_maxsize": 5, "text_queue_maxsize": 5})


async def test_a_message_that_is_kept_stays_as_it_was() -> None:
    burst: list[str | bytes] = ["1", b"2", "3", "4", "5"]
    behaviour = Behaviour(burst=burst, close=(1000, ""))
    async with websockets_server(behaviour) as server:
        ws = await WebSocketClient().connect(server.url, conn_opts={"queue_maxsize": 5})
        kept: list[Any] = [message async for message in ws]
        assert [message.data for message in kept] == burst
        assert [message.opcode for message in kept] == [1, 2, 1, 1, 1]


def test_a_message_is_a_value() -> None:
    message = Message(MessageType.TEXT, "a", b"a", 1)
    assert message == Message.create_text("a") != Message.create_binary(b"a")
    assert message != "a"
    assert copy.deepcopy(message) == pickle.loads(pickle.dumps(message)) == message
    assert "secret" not in repr(Message.create_text("secret"))
    with pytest.raises(TypeError, match="unhashable"):
        hash(message)


async def test_waiting_receives_are_served_in_turn() -> None:
    async with websockets_server() as server:
        ws: Any = await WebSocketClient().connect(server.url, conn_opts={"queue_maxsize": 5})
        wrong = asyncio.create_task(ws.receive_bytes())
        right = asyncio.create_task(ws.receive_text())
        given_up = asyncio.create_task(ws.receive_text())
        await asyncio.sleep(0)
        given_up.cancel()
        await ws.send_text("taken")
        await ws.send_text("received")
        with pytest.raises(ValueError, match="a binary message"):
            await wrong
        assert await right == "received"
        await ws.close()
