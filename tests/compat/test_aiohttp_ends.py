"""How a WebSocket of `aiohttp` and of the drop-in tells that it has ended, and its heartbeat.

The program uses only what both have.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from compat_programs import EACH_LIBRARY, opened, scripted, seen
from ends import close_frame, ping_frame, text_frame, turns
from rawserver import CLOSE, PING
from servers import websockets_server

pytestmark = EACH_LIBRARY


async def ended(ws: Any) -> None:
    """Wait until the WebSocket says that it is closed, without a receive."""
    async with asyncio.timeout(20):
        while not ws.closed:
            await turns()


async def test_a_failed_heartbeat_is_known_at_once(lib: Any) -> None:
    async with scripted(lib, heartbeat=0.05) as (ws, _):
        await ended(ws)
        assert ws.close_code == 1006
        assert isinstance(ws.close_code, lib.WSCloseCode)
        assert isinstance(ws.exception(), lib.ServerTimeoutError)
        assert ws.exception() is ws.exception()
        with pytest.raises(lib.ClientConnectionResetError):
            await ws.send_str("x")
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)
        assert await ws.close() is False


async def test_a_receive_that_waits_gets_the_error_of_a_failed_heartbeat(lib: Any) -> None:
    async with scripted(lib, heartbeat=0.05) as (ws, _):
        message = await ws.receive()
        assert (message.type, message.data) == (lib.WSMsgType.ERROR, ws.exception())
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)


async def test_a_loop_that_only_sends_ends(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        server.writer.transport.abort()
        with pytest.raises(lib.ClientConnectionResetError):
            async with asyncio.timeout(20):
                while not ws.closed:
                    await ws.send_str("x" * 1000)
                    await asyncio.sleep(0)
                raise lib.ClientConnectionResetError


async def test_messages_before_the_loss_are_not_lost(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(text_frame("a") + text_frame("b"))
        server.writer.close()
        received = []
        while not ws.closed:
            received.append(await ws.receive())
            await turns(10)
        assert [message.data for message in received[:2]] == ["a", "b"]


async def test_a_close_that_times_out(lib: Any) -> None:
    async with scripted(lib, timeout=lib.ClientWSTimeout(ws_close=0.05)) as (ws, _):
        assert await ws.close() is True
        assert (ws.closed, ws.close_code) == (True, 1006)
        assert isinstance(ws.close_code, lib.WSCloseCode)
        assert isinstance(ws.exception(), asyncio.TimeoutError)
        assert not isinstance(ws.exception(), lib.ClientError)


async def test_a_close_that_is_cancelled(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        closing = asyncio.create_task(ws.close())
        assert await server.expect_close() == (1000, "")
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert (ws.closed, ws.close_code, ws.exception()) == (True, 1006, None)
        server.writer.close()


async def test_a_server_that_ends_the_stream_during_close(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        closing = asyncio.create_task(ws.close())
        assert await server.expect_close() == (1000, "")
        server.writer.close()
        assert await closing is True
        assert (ws.closed, ws.close_code) == (True, 1006)
        assert isinstance(ws.exception(), Exception)


async def test_closing_does_not_wait_for_a_server_that_let_a_receive_time_out(lib: Any) -> None:
    async with scripted(lib, timeout=lib.ClientWSTimeout(ws_close=3600)) as (ws, server):
        with pytest.raises(asyncio.TimeoutError):
            await ws.receive(0.01)
        async with asyncio.timeout(20):
            assert await ws.close(code=4000) is True
            assert await ws.close() is False
            assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)
            assert await server.expect_close() == (4000, "")
            assert await server.reader.read() == b""
        assert (ws.closed, ws.close_code, ws.exception()) == (True, 1006, None)


async def test_all_that_was_sent_leaves_before_a_close_that_does_not_wait(lib: Any) -> None:
    data = bytes(20_000_000)
    async with scripted(lib) as (ws, server):
        with pytest.raises(asyncio.TimeoutError):
            await ws.receive(0.01)
        sending = asyncio.ensure_future(ws.send_bytes(data))
        await turns()
        await ws.close(code=4000)
        assert (await server.read_frame()).payload == data
        assert await server.expect_close() == (4000, "")
        await asyncio.wait([sending])


async def test_two_closes_and_a_receive(lib: Any) -> None:
    async with websockets_server() as server, opened(lib, server.url) as ws:
        closings = [asyncio.create_task(ws.close()) for _ in range(2)]
        message = await ws.receive()
        assert seen(message) == (lib.WSMsgType.CLOSED, None, None)
        assert sorted(await asyncio.gather(*closings)) == [False, True]
        assert seen(await ws.receive()) == (lib.WSMsgType.CLOSED, None, None)


async def test_a_close_frame_that_comes_too_late_to_be_answered(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(close_frame(1000))
        server.writer.transport.abort()
        async with asyncio.timeout(20):
            while ws.get_extra_info("socket") is not None:
                await turns()
        message = await ws.receive()
        assert (message.type, message.data) == (lib.WSMsgType.CLOSE, 1000)
        assert (ws.closed, ws.close_code) == (True, 1006)


@pytest.mark.parametrize("autoclose", [True, False])
@pytest.mark.parametrize("payload", [close_frame(1011, "gone"), close_frame(4001), b"\x88\x00"])
async def test_a_close_frame_is_answered_with_1000(
    lib: Any, payload: bytes, autoclose: bool
) -> None:
    async with scripted(lib, autoclose=autoclose) as (ws, server):
        await server.write(payload)
        assert (await ws.receive()).type == lib.WSMsgType.CLOSE
        answering = asyncio.create_task(ws.receive())
        assert await server.expect_close() == (1000, "")
        server.writer.close()
        assert seen(await answering) == (lib.WSMsgType.CLOSED, None, None)


async def test_no_ping_while_bytes_arrive(lib: Any) -> None:
    while await _arrives_with_gaps(lib):
        pass


async def _arrives_with_gaps(lib: Any) -> bool:
    """Send a frame that takes longer than the heartbeat and its answer; check that nobody pings.

    Returns:
        Whether the machine was so busy that there was a silence as long as the heartbeat.
    """
    heartbeat, now = 0.2, asyncio.get_running_loop().time
    async with scripted(lib, heartbeat=heartbeat) as (ws, server):
        await server.write(b"\x81\x1e")
        receiving = asyncio.create_task(ws.receive())
        last, gap = now(), 0.0
        for _ in range(30):
            await asyncio.sleep(0.02)
            await server.write(b"x")
            await turns(5)
            last, gap = now(), max(gap, now() - last)
        if gap > heartbeat / 2:
            receiving.cancel()
            server.writer.close()
            return True
        assert (await receiving).data == "x" * 30
        await ws.send_str("done")
        assert (await server.read_frame()).payload == b"done"
        server.writer.close()
    return False


async def test_a_ping_after_silence(lib: Any) -> None:
    async with scripted(lib, heartbeat=0.05) as (ws, server):
        receiving = asyncio.create_task(ws.receive())
        for _ in range(3):
            frame = await server.read_frame()
            assert frame.opcode == PING
            # Any frame is an answer.
            await server.write(ping_frame(b"mine"))
            while (await server.read_frame()).payload != b"mine":
                pass
        await server.write(close_frame(1000))
        assert (await receiving).type == lib.WSMsgType.CLOSE
        while (await server.read_frame()).opcode != CLOSE:
            pass
        server.writer.close()


async def test_codes_are_members_of_the_enum(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(b"\x83\x00")
        message = await ws.receive()
        assert isinstance(message.data.code, lib.WSCloseCode)
        assert isinstance(ws.close_code, lib.WSCloseCode)
        assert ws.close_code == 1002
        assert isinstance(message.data, (aiohttp.WebSocketError, lib.WebSocketError))
        server.writer.close()
