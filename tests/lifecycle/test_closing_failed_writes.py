"""Closing a connection around the moment at which a write fails."""

from __future__ import annotations

import asyncio
import random
import ssl

import pytest
import reference
from deflating import deflate
from ends import collect
from leaver import CLOSE_FRAME, MESSAGES, Leave, first_of, leaving, write_until_it_fails
from rawserver import TEXT

import wirespeed
from wirespeed import CloseCause, ConnectionDisconnected, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")


def check_closed(ws: WebSocketConnection) -> None:
    """Check that `close` came first, and met the Close frame that was waiting."""
    assert (ws.close_code, ws.close_reason) == (1000, "bye")
    info = ws.close_info
    assert info is not None
    assert (info.cause, info.closed_by, info.received) == (CloseCause.CLOSE, "local", (1000, "bye"))


async def check_readable(ws: WebSocketConnection, received: list[str | bytes]) -> None:
    """Check that the messages are received in order, and that the rest is counted as dropped."""
    received += [message async for message in ws]
    assert received == MESSAGES[: len(received)]
    # What the full queue had no room for while it was closing.
    assert len(received) + ws.dropped.messages == len(MESSAGES)


async def test_close_after_the_failed_write() -> None:
    with leaving() as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        was_read_only = ws.close_info is None
        await ws.close()
        if was_read_only:
            check_closed(ws)
        assert ws.close_code == 1000
        await check_readable(ws, received)


async def test_close_whose_own_frame_fails() -> None:
    with leaving() as server:
        ws, received = await first_of(server)
        # The first write is answered by a reset, and the Close frame is the second.
        ws.send_text("late").close()
        await ws.close()
        check_closed(ws)
        await check_readable(ws, received)


async def test_close_before_a_compressed_end_that_waits_in_tls(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    choose = random.Random("messages")
    messages = [choose.randbytes(4096).hex() for _ in range(20)]
    payloads = [deflate(text.encode()) for text in messages]
    frames = [reference.header(TEXT, len(payload), reserved=0x40) + payload for payload in payloads]
    extension = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"
    with leaving(
        leave=Leave.CLOSE_NOTIFY,
        first=b"",
        rest=b"".join(frames) + CLOSE_FRAME,
        headers=(extension,),
        tls=server_ssl,
    ) as server:
        ws = await wirespeed.connect(
            **server.where, ssl=client_ssl, compression="deflate", max_queue_bytes=5000
        )
        closing = asyncio.create_task(ws.close())
        await asyncio.sleep(0)
        server.left_meanwhile()
        await closing
        check_closed(ws)
        received = [message async for message in ws]
        assert received == messages[: len(received)]
        assert len(received) + ws.dropped.messages == len(messages)


async def test_close_before_any_write() -> None:
    with leaving(leave=Leave.RESET) as server:
        ws, received = await first_of(server)
        await ws.close()
        check_closed(ws)
        await check_readable(ws, received)


async def test_close_while_another_task_receives() -> None:
    with leaving() as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        receiving = asyncio.ensure_future(collect(ws, received))
        closing = asyncio.ensure_future(ws.close())
        await asyncio.gather(receiving, closing)
        assert ws.close_code == 1000
        assert received == MESSAGES[: len(received)]
        assert len(received) + ws.dropped.messages == len(MESSAGES)


async def test_leaving_the_block_after_the_failed_write() -> None:
    with leaving() as server:
        async with wirespeed.connect(**server.where, max_queue=2, ping_interval=None) as ws:
            received: list[str | bytes] = [await ws.receive_text()]
            await server.left()
            await write_until_it_fails(ws)
        assert ws.close_code == 1000
        await check_readable(ws, received)


async def test_the_failed_write_may_leave_the_block() -> None:
    with leaving() as server:
        with pytest.raises(ConnectionDisconnected):
            async with wirespeed.connect(**server.where, max_queue=2, ping_interval=None) as ws:
                received: list[str | bytes] = [await ws.receive_text()]
                await server.left()
                while True:
                    await ws.send_text("late")
                    await asyncio.sleep(0)
        assert ws.close_code == 1000
        await check_readable(ws, received)


async def test_close_with_room_for_everything() -> None:
    with leaving() as server:
        ws = await wirespeed.connect(**server.where, ping_interval=None)
        server.left_meanwhile()
        ws.send_text("late").close()
        await ws.close()
        assert ws.close_code == 1000
        assert [message async for message in ws] == MESSAGES


@pytest.mark.parametrize("leave", [Leave.CLOSE, Leave.RESET], ids=lambda leave: leave.name)
async def test_close_over_tls(
    leave: Leave, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with leaving(leave=leave, tls=server_ssl) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        await write_until_it_fails(ws)
        await ws.close()
        assert ws.close_code == 1000
        await check_readable(ws, received)


async def test_abort_after_the_failed_write() -> None:
    with leaving() as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        ws.abort()
        received += [message.data for message in drained(ws)]
        assert received == MESSAGES[: len(received)]
        await ws.wait_closed()
        assert ws.close_info is not None
        assert isinstance(ws.close_info.write_error, ConnectionError) or received == MESSAGES


def drained(ws: WebSocketConnection) -> list[wirespeed.Message]:
    """Take what is queued."""
    messages: list[wirespeed.Message] = []
    while (message := ws.peek()) is not None:
        messages.append(message)
        ws.receive_nowait()
    return messages
