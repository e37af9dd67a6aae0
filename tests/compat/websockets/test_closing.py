"""How a connection ends: codes, reasons, order, causes, and what stays readable."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ends import close_frame, text_frame, turns
from rawserver import CLOSE, RawConnection, close_payload, raw_server
from reference import frame
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    PayloadTooBig,
    ProtocolError,
)
from websockets.frames import Close, CloseCode
from websockets.protocol import State
from websockets.version import version
from websockets_programs import EACH_LIBRARY, delivered, end, kind_of, scripted, told

pytestmark = EACH_LIBRARY

MAJOR = int(version.partition(".")[0])

BAD = {
    "protocol": (b"\xc1\x00", 1002, ProtocolError),
    "utf-8": (frame(1, b"\xff"), 1007, UnicodeDecodeError),
    "size": (text_frame("x" * 1001), 1009, PayloadTooBig),
}


@pytest.mark.parametrize("fault", BAD)
async def test_the_code_is_what_was_received_not_what_was_sent(lib: Any, fault: str) -> None:
    data, code, cause = BAD[fault]
    async with scripted(lib, max_size=1000) as (ws, server):
        await server.write(data)
        receiving = asyncio.create_task(told(ws.recv()))
        assert (await server.expect_close())[0] == code
        await end(server)
        exc: Any = await receiving
        assert kind_of(exc) is ConnectionClosedError
        assert (exc.rcvd, exc.sent.code, exc.rcvd_then_sent) == (None, code, None)
        assert isinstance(exc.__cause__, cause)
        assert (ws.close_code, ws.close_reason) == (1006, "")
        assert ws.state is State.CLOSED


@pytest.mark.parametrize("reason", ["", "enough"])
@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_the_server_closes(lib: Any, code: int, reason: str) -> None:
    async with scripted(lib) as (ws, server):
        assert (ws.close_code, ws.close_reason, ws.state) == (None, None, State.OPEN)
        await server.write(text_frame("last") + close_frame(code, reason))
        assert await server.expect_close() == (code, reason)
        await end(server)
        assert await ws.recv() == "last"
        for _ in range(2):
            exc: Any = await told(ws.recv())
            kind = ConnectionClosedOK if code in {1000, 1001} else ConnectionClosedError
            assert kind_of(exc) is kind
            assert exc.rcvd == exc.sent == Close(code, reason)
            assert exc.rcvd_then_sent is True
            assert exc.__cause__ is None
            assert str(exc) == f"received {exc.rcvd}; then sent {exc.sent}"
        assert (ws.close_code, ws.close_reason) == (code, reason)
        # Some programs print it.
        assert type(exc.rcvd.code) is type(exc.sent.code) is int


async def test_a_close_frame_without_a_code(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(b"\x88\x00")
        assert (await server.read_frame()).payload == b""
        await end(server)
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedOK
        assert exc.rcvd.code is exc.sent.code is CloseCode.NO_STATUS_RCVD
        assert (ws.close_code, ws.close_reason) == (1005, "")


async def test_the_program_closes(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        closing = asyncio.create_task(ws.close(3001, "bye"))
        assert await server.expect_close() == (3001, "bye")
        assert (ws.state, ws.close_code) == (State.CLOSING, None)
        await server.write(text_frame("late") + close_frame(3001, "bye"))
        await turns(5)
        assert not closing.done()
        await end(server)
        await closing
        assert ws.state is State.CLOSED
        assert await ws.recv() == "late"
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedError
        assert exc.rcvd_then_sent is False
        assert exc.__cause__ is None
        assert (ws.close_code, ws.close_reason) == (3001, "bye")
        await ws.close()


async def test_messages_that_were_queued_stay_readable(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await delivered(ws, server, text_frame("one") + text_frame("two"))
        closing = asyncio.create_task(ws.close())
        assert await server.expect_close() == (1000, "")
        await server.write(close_frame())
        await end(server)
        await closing
        assert [message async for message in ws] == ["one", "two"]
        assert type(await told(ws.recv())) is ConnectionClosedOK


async def test_the_stream_ends_without_a_close_frame(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(text_frame("last"))
        await end(server)
        assert await ws.recv() == "last"
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedError
        assert (exc.rcvd, exc.sent, exc.rcvd_then_sent) == (None, None, None)
        assert isinstance(exc.__cause__, EOFError)
        assert str(exc) == "no close frame received or sent"
        assert (ws.close_code, ws.close_reason) == (1006, "")


async def test_a_reset(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        server.reset()
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedError
        assert (exc.rcvd, exc.sent) == (None, None)
        assert isinstance(exc.__cause__, ConnectionResetError)
        assert ws.close_code == 1006


async def test_closing_without_an_answer(lib: Any) -> None:
    async with scripted(lib, close_timeout=0.05) as (ws, server):
        await ws.close()
        assert await server.expect_close() == (1000, "")
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedError
        assert (exc.rcvd, exc.sent) == (None, Close(1000, ""))
        assert isinstance(exc.__cause__, TimeoutError)
        assert (ws.close_code, ws.close_reason) == (1006, "")
        assert str(exc) == "sent 1000 (OK); no close frame received"


async def test_closing_without_the_end_of_the_stream(lib: Any) -> None:
    async with scripted(lib, close_timeout=0.2) as (ws, server):
        closing = asyncio.create_task(ws.close())
        assert await server.expect_close() == (1000, "")
        await server.write(close_frame())
        await closing
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedOK
        assert isinstance(exc.__cause__, TimeoutError)
        assert exc.rcvd_then_sent is False
        assert ws.close_code == 1000


async def test_what_waits_is_told(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        receiving = asyncio.create_task(told(ws.recv()))
        pong = await ws.ping()
        await turns(2)
        closing = asyncio.create_task(ws.close())
        await server.read_frame()
        assert await server.expect_close() == (1000, "")
        late = [asyncio.create_task(told(call)) for call in (ws.send("x"), ws.ping(), ws.pong())]
        await turns(5)
        assert not any(task.done() for task in [receiving, *late])
        await server.write(close_frame())
        await end(server)
        await closing
        for exc in await asyncio.gather(receiving, told(pong), *late):
            assert kind_of(exc) is ConnectionClosedOK


@pytest.mark.parametrize("way", ["connection", "connect"])
async def test_leaving_by_an_exception(lib: Any, way: str) -> None:
    if way == "connection":
        async with scripted(lib) as (ws, server):

            async def leave() -> None:
                async with ws:
                    raise LookupError

            leaving = asyncio.create_task(told(leave()))
            assert await server.expect_close() == (1011, "")
            await end(server)
            assert type(await leaving) is LookupError
            return
    await left_by_connect(lib, 1011 if MAJOR >= 17 else 1000)


async def left_by_connect(lib: Any, code: int) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        assert await connection.expect_close() == (code, "")
        await connection.write(frame(CLOSE, close_payload(code)))

    async with raw_server(handle) as url:
        with pytest.raises(LookupError):
            async with lib.connect(url, proxy=None):
                raise LookupError


async def test_what_cannot_be_sent(lib: Any) -> None:
    async with scripted(lib) as (ws, _):
        for code, reason in ((1005, ""), (999, ""), (1000, "x" * 124)):
            assert type(await told(ws.close(code, reason))) is ProtocolError
        assert ws.state is State.OPEN


async def test_the_program_fails_the_connection(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        ws.protocol.fail(1008, "not this")
        if lib.__name__.startswith("websockets"):
            ws.send_data()
        assert await server.expect_close() == (1008, "not this")
        await end(server)
        exc: Any = await told(ws.recv())
        assert (exc.rcvd, exc.sent) == (None, Close(1008, "not this"))
        assert ws.close_code == 1006
        assert ws.protocol.close_exc.sent == exc.sent
        assert ws.protocol.state is State.CLOSED


async def test_close_exc_is_for_closed_connections(lib: Any) -> None:
    async with scripted(lib) as (ws, _):
        with pytest.raises(AssertionError):
            _ = ws.protocol.close_exc


async def test_waiting_for_the_end(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        waiting = asyncio.create_task(ws.wait_closed())
        waiter = ws.connection_lost_waiter
        await turns(2)
        assert not waiting.done()
        assert not waiter.done()
        await end(server)
        await waiting
        assert waiter.done()
        assert ws.connection_lost_waiter.done()
        with pytest.raises(ConnectionClosed):
            await ws.recv()


async def test_no_answer_to_a_ping(lib: Any) -> None:
    async with scripted(lib, ping_interval=0.02, ping_timeout=0.05, close_timeout=0.05) as (ws, _):
        exc: Any = await told(ws.recv())
        assert exc.sent == Close(1011, "keepalive ping timeout")
        assert str(exc) == (
            "sent 1011 (internal error) keepalive ping timeout; no close frame received"
        )
        assert ws.close_code == 1006
