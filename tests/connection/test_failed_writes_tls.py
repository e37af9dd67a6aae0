"""What has arrived over TLS is received to the end although a write has failed."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import Final

import pytest
import reference
from deflating import deflate
from leaver import (
    CLOSE_FRAME,
    FIRST,
    MESSAGES,
    Leave,
    first_of,
    leaving,
    read_until_it_fails,
    text_frames,
    write_until_it_fails,
)
from rawserver import TEXT

import wirespeed
from wirespeed import CloseCause

pytestmark = pytest.mark.usefixtures("transports")

LEAVES: Final = pytest.mark.parametrize(
    "leave", [Leave.CLOSE, Leave.RESET, Leave.CLOSE_NOTIFY], ids=lambda leave: leave.name
)


@LEAVES
async def test_nothing_that_has_arrived_is_lost(
    leave: Leave, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with leaving(leave=leave, tls=server_ssl) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        await write_until_it_fails(ws)
        received += [message async for message in ws]
        assert received == MESSAGES
        await ws.wait_closed()
        info = ws.close_info
        assert info is not None
        assert (info.cause, info.received) == (CloseCause.PEER_CLOSE, (1000, "bye"))
        assert (info.sent, info.unread_messages) == (None, 0)


@LEAVES
async def test_nothing_is_lost_without_a_write(
    leave: Leave, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with leaving(leave=leave, tls=server_ssl) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        received += [message async for message in ws]
        assert received == MESSAGES
        assert ws.close_code == 1000
        await ws.wait_closed()


async def test_the_end_is_told_although_reading_is_paused(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    rest = text_frames(MESSAGES[FIRST:])
    with leaving(leave=Leave.CLOSE_NOTIFY, tls=server_ssl, rest=rest) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        await read_until_it_fails(ws, received)
        assert received == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.cause is CloseCause.PEER_EOF


@pytest.mark.parametrize("leave", [Leave.CLOSE, Leave.CLOSE_NOTIFY], ids=lambda leave: leave.name)
async def test_a_peer_that_leaves_without_a_close_frame(
    leave: Leave, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with leaving(leave=leave, tls=server_ssl, rest=text_frames(MESSAGES[FIRST:])) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        await write_until_it_fails(ws)
        await read_until_it_fails(ws, received)
        assert received == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.cause in {CloseCause.PEER_EOF, CloseCause.NETWORK_ERROR}


@pytest.mark.loops("asyncio")
async def test_the_failed_write_is_told(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with leaving(tls=server_ssl) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        await write_until_it_fails(ws)
        received += [message async for message in ws]
        assert received == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert isinstance(ws.close_info.write_error, BrokenPipeError)


async def test_a_large_message_that_is_cut_in_two_reads(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    # It is read into its own memory, which takes no more than what is missing of it.
    large = "x" * (40 * 1024)
    frame = text_frames([large])
    first, rest = text_frames(MESSAGES[:FIRST]) + frame[:10000], frame[10000:]
    rest += text_frames(["last"]) + CLOSE_FRAME
    with leaving(tls=server_ssl, first=first, rest=rest) as server:
        ws, received = await first_of(server, ssl=client_ssl)
        await write_until_it_fails(ws)
        received += [message async for message in ws]
        assert received == [*MESSAGES[:FIRST], large, "last"]
        assert ws.close_code == 1000


async def test_a_blocked_event_loop(server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext) -> None:
    # TLS has not even read what has arrived.
    with leaving(tls=server_ssl) as server:
        ws = await wirespeed.connect(**server.where, ssl=client_ssl, ping_interval=None)
        received: list[str | bytes] = [await ws.receive_text()]
        await asyncio.sleep(0)
        server.left_meanwhile()
        await write_until_it_fails(ws)
        received += [message async for message in ws]
        assert received == MESSAGES
        assert ws.close_code == 1000
        await ws.wait_closed()


async def test_a_compressed_stream_that_ends_while_reading_is_paused(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    choose = random.Random("messages")
    messages = [choose.randbytes(4096).hex() for _ in range(20)]
    payloads = [deflate(text.encode()) for text in messages]
    frames = [reference.header(TEXT, len(data), reserved=0x40) + data for data in payloads]
    extension = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"
    with leaving(
        leave=Leave.CLOSE_NOTIFY,
        first=frames[0],
        rest=b"".join(frames[1:]) + CLOSE_FRAME,
        headers=(extension,),
        tls=server_ssl,
    ) as server:
        ws = await wirespeed.connect(**server.where, ssl=client_ssl, compression="deflate")
        received: list[str | bytes] = [await ws.receive_text()]
        server.left_meanwhile()
        received += [message async for message in ws]
        assert received == messages
        assert ws.close_code == 1000
        await ws.wait_closed()
