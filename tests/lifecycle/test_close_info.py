"""The record of a connection's end (who closed, why, with which codes), `abort`, `wait_closed`.

Does not measure time.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ends import (
    both_ends,
    close_frame,
    collect,
    deliver,
    pong_frame,
    text_frame,
    turns,
)
from rawserver import PING, RawConnection

from wirespeed import (
    CloseCause,
    CloseInfo,
    ConnectionDisconnected,
    ProtocolError,
    WebSocketConnection,
)

pytestmark = pytest.mark.usefixtures("transports")

End = Callable[[WebSocketConnection, RawConnection], Awaitable[None]]
NOTHING_LEFT = {"latency": None, "unsent_bytes": 0, "unread_messages": 0, "unread_bytes": 0}


async def client_closes(client: WebSocketConnection, server: RawConnection) -> None:
    """The client closes, the server answers."""
    closing = asyncio.create_task(client.close(3000, "enough"))
    assert await server.expect_close() == (3000, "enough")
    await server.write(close_frame(3001))
    server.writer.write_eof()
    await closing


async def nobody_answers(client: WebSocketConnection, server: RawConnection) -> None:
    """The client closes, the server vanishes."""
    closing = asyncio.create_task(client.close())
    assert await server.expect_close() == (1000, "")
    server.writer.write_eof()
    await closing


async def server_closes(client: WebSocketConnection, server: RawConnection) -> None:
    """The server closes, the client answers."""
    await server.write(close_frame(1001, "away"))
    assert await server.expect_close() == (1001, "away")
    server.writer.write_eof()


async def server_ends_the_stream(client: WebSocketConnection, server: RawConnection) -> None:
    """The stream ends without a Close frame."""
    server.writer.write_eof()


async def server_resets(client: WebSocketConnection, server: RawConnection) -> None:
    """The server resets the connection: no Close frame, no end of the stream."""
    server.reset()


async def server_breaks_the_protocol(client: WebSocketConnection, server: RawConnection) -> None:
    """The server sends a frame with a reserved opcode."""
    await server.write(b"\x83\x00")
    assert (await server.expect_close())[0] == 1002
    server.writer.write_eof()


async def client_aborts(client: WebSocketConnection, server: RawConnection) -> None:
    """The client closes without a closing handshake."""
    client.abort()


@pytest.mark.parametrize(
    ("end", "closed_by", "cause", "received", "sent_code"),
    [
        (client_closes, "local", CloseCause.CLOSE, (3001, ""), 3000),
        (nobody_answers, "local", CloseCause.CLOSE, None, 1000),
        (server_closes, "peer", CloseCause.PEER_CLOSE, (1001, "away"), 1001),
        (server_ends_the_stream, "peer", CloseCause.PEER_EOF, None, None),
        (server_resets, None, CloseCause.NETWORK_ERROR, None, None),
        (server_breaks_the_protocol, "local", CloseCause.PROTOCOL_ERROR, None, 1002),
        (client_aborts, "local", CloseCause.ABORT, None, None),
    ],
)
async def test_who_closed_and_why(
    end: End,
    closed_by: str | None,
    cause: CloseCause,
    received: tuple[int, str] | None,
    sent_code: int | None,
) -> None:
    async with both_ends() as (client, server):
        assert client.close_info is None
        await end(client, server)
        await client.wait_closed()
        info = client.close_info
        assert isinstance(info, CloseInfo)
        assert info.closed_by == closed_by
        assert info.cause is cause
        assert info.received == received
        assert (None if info.sent is None else info.sent[0]) == sent_code
        assert dataclasses.asdict(info).items() >= NOTHING_LEFT.items()
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(info, "unsent_bytes", 1)  # noqa: B010
        with pytest.raises(ConnectionDisconnected) as caught:
            await client.send("x")
        assert caught.value.info == info
        assert caught.value.__notes__ == [str(info)]
        if cause is not CloseCause.PROTOCOL_ERROR:
            with pytest.raises(ConnectionDisconnected) as caught:
                await client.receive()
            assert caught.value.info == info


async def test_while_it_only_begins_to_end_nothing_is_told() -> None:
    async with both_ends() as (client, server):
        closing = asyncio.create_task(client.close())
        await server.expect_close()
        assert client.close_info is None
        with pytest.raises(ConnectionDisconnected) as caught:
            await client.send("x")
        assert caught.value.info is None
        server.writer.write_eof()
        await closing


async def test_what_is_unread_is_counted() -> None:
    async with both_ends() as (client, server):
        await deliver(server, text_frame("1") + text_frame("22") + text_frame("333"))
        answer = await client.ping(b"mine")
        assert (await server.read_frame()).opcode == PING
        await server.write(pong_frame(b"mine"))
        await answer
        server.writer.write_eof()
        await client.wait_closed()
        for messages, size in ((3, 6), (2, 5), (1, 3), (0, 0)):
            info = client.close_info
            assert info is not None
            assert (info.unread_messages, info.unread_bytes) == (messages, size)
            assert info.latency == await answer
            assert f"{messages} messages ({size} bytes) unread" in str(info)
            if messages:
                await client.receive()


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_what_is_unsent_is_counted(how: str) -> None:
    async with both_ends(close_timeout=0.05, limit=1024) as (client, _):
        sending = asyncio.create_task(client.send_many([b"x" * 65536] * 1000))
        await turns(200)
        assert not sending.done()
        if how == "close":
            await client.close()
        else:
            client.abort()
            await client.wait_closed()
        with pytest.raises(ConnectionDisconnected):
            await sending
        assert client.close_info is not None
        assert client.close_info.unsent_bytes >= 65536


async def close(client: WebSocketConnection, server: RawConnection) -> None:
    await client.close()


async def abort(client: WebSocketConnection, server: RawConnection) -> None:
    client.abort()


async def send_close_frame(client: WebSocketConnection, server: RawConnection) -> None:
    server.writer.write(close_frame(1001))


async def end_the_stream(client: WebSocketConnection, server: RawConnection) -> None:
    server.writer.write_eof()


async def reset(client: WebSocketConnection, server: RawConnection) -> None:
    server.reset()


async def break_the_protocol(client: WebSocketConnection, server: RawConnection) -> None:
    server.writer.write(b"\x83\x00")


async def fill_the_queue(client: WebSocketConnection, server: RawConnection) -> None:
    server.writer.write(text_frame("4444"))


async def never_answer_a_ping(client: WebSocketConnection, server: RawConnection) -> None:
    client.start_keep_alive(0.01)


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (close, CloseCause.CLOSE),
        (abort, CloseCause.ABORT),
        (send_close_frame, CloseCause.PEER_CLOSE),
        (end_the_stream, CloseCause.PEER_EOF),
        (reset, CloseCause.NETWORK_ERROR),
        (break_the_protocol, CloseCause.PROTOCOL_ERROR),
        (fill_the_queue, CloseCause.QUEUE_OVERFLOW),
        (never_answer_a_ping, CloseCause.PING_TIMEOUT),
    ],
)
@pytest.mark.parametrize("lanes", [{}, {"text_queue_maxsize": 3}], ids=["queue", "lanes"])
async def test_what_is_left_is_counted_after_each_end(
    end: End, cause: CloseCause, lanes: dict[str, Any]
) -> None:
    """The client does not take three messages, and the server does not read."""
    options: dict[str, Any] = {"ping_interval": None, "ping_timeout": 0.01, "close_timeout": 0.05}
    options |= {"max_queue": 3, "overflow": "close", **lanes}
    async with both_ends(limit=1024, **options) as (client, server):
        await deliver(server, text_frame("1") + text_frame("22") + text_frame("333"))
        sending = asyncio.create_task(client.send_many([b"x" * 65536] * 1000))
        await turns(200)
        assert not sending.done()
        await end(client, server)
        await client.wait_closed()
        with pytest.raises(ConnectionDisconnected):
            await sending
        left = [1, 2, 3, 4] if cause is CloseCause.QUEUE_OVERFLOW else [1, 2, 3]
        for taken in range(len(left) + 1):
            info = client.close_info
            assert info is not None
            assert info.cause is cause
            # After a reset, some transports do not report what they held.
            assert info.unsent_bytes >= (0 if cause is CloseCause.NETWORK_ERROR else 65536)
            assert (info.unread_messages, info.unread_bytes) == (
                len(left[taken:]),
                sum(left[taken:]),
            )
            if left[taken:]:
                await client.receive()


# -- abort -------------------------------------------------------------------------------


async def test_abort_wakes_all_who_wait() -> None:
    async with both_ends() as (client, server):
        await deliver(server, b"")
        waiting: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(collect(client)),
            asyncio.ensure_future(client.receive()),
            asyncio.ensure_future(client.receive_pong()),
            await client.ping(),
        ]
        await turns()
        client.abort()
        client.abort()
        for ended in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(ended, ConnectionDisconnected)
            assert str(ended) == "connection was aborted"
            assert ended.code == 1006
        # The Ping is the last frame: no Close frame was sent.
        assert (await server.read_frame()).opcode == PING
        assert await server.read_rest() == b""
        await client.close()
        with pytest.raises(ConnectionDisconnected, match="aborted"):
            await client.send("x")


async def test_messages_before_an_abort_stay_readable() -> None:
    async with both_ends() as (client, server):
        await deliver(server, text_frame("1") + text_frame("2"))
        client.abort()
        received: list[str | bytes] = []
        with pytest.raises(ConnectionDisconnected, match="aborted"):
            await collect(client, received)
        assert received == ["1", "2"]


@pytest.mark.parametrize("batch_window", [0, 0.001])
async def test_aborting_inside_an_iteration(batch_window: float) -> None:
    received: list[str | bytes] = []

    async def iterate(client: WebSocketConnection) -> None:
        async for message in client:
            received.append(message)
            if message == "2":
                client.abort()

    async with both_ends(batch_window=batch_window) as (client, server):
        iterating = asyncio.create_task(iterate(client))
        await turns()
        await server.write(b"".join(text_frame(str(number)) for number in range(4)))
        with pytest.raises(ConnectionDisconnected, match="aborted"):
            await iterating
        assert received == ["0", "1", "2", "3"]


async def test_aborting_a_close_that_takes_long() -> None:
    async with both_ends(close_timeout=None) as (client, server):
        closing = asyncio.create_task(client.close(3000))
        assert await server.expect_close() == (3000, "")
        client.abort()
        await closing
        assert client.close_info is not None
        assert client.close_info.cause is CloseCause.CLOSE
        assert client.close_info.sent == (3000, "")


async def test_aborting_after_a_close_frame_that_waits_for_its_consumer() -> None:
    async with both_ends() as (client, server):
        receiving = asyncio.create_task(client.receive_text())
        await turns()
        await server.write(text_frame("1") + text_frame("2") + close_frame(1001))
        assert await receiving == "1"
        client.abort()
        assert client.close_code == 1001
        assert await client.receive_text() == "2"


async def test_aborting_after_a_fault() -> None:
    async with both_ends() as (client, server):
        await server.write(b"\x83\x00")
        with pytest.raises(ProtocolError):
            await client.receive()
        client.abort()
        await client.wait_closed()
        with pytest.raises(ProtocolError):
            await client.receive()


# -- wait_closed -------------------------------------------------------------------------


async def test_waiting_for_the_end() -> None:
    async with both_ends() as (client, server):
        waiting = [asyncio.create_task(client.wait_closed()) for _ in range(3)]
        await turns()
        waiting[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[1]
        assert not waiting[0].done()
        assert not client.closed
        server.reset()
        await waiting[0]
        await waiting[2]
        await client.wait_closed()
        assert client.close_code == 1006
