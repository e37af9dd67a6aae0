"""Keep-alive: when Pings are sent, what counts as an answer, which connections are failed.

Does not measure time: intervals are short, and the tests await their effect.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from ends import (
    Tls,
    both_ends,
    close_frame,
    collect,
    deliver,
    intervals,
    pong_frame,
    text_frame,
    turns,
    until_idle,
)
from rawserver import CLOSE, PING, RawConnection, raw_server
from servers import ServerFactory

import wirespeed
from wirespeed import CloseCause, ConnectionDisconnected
from wirespeed._lifecycle.closing import closing_of

pytestmark = pytest.mark.usefixtures("transports")

SHORT = 0.02
REASON = f"no answer within ping_timeout ({SHORT:g} seconds)"


async def read_ping(server: RawConnection) -> bytes:
    """Read one frame, which must be a Ping."""
    frame = await server.read_frame()
    assert frame.opcode == PING, f"a Ping was expected, not {frame}"
    return frame.payload


async def answer_pings(server: RawConnection, count: int) -> None:
    """Answer `count` Pings."""
    for _ in range(count):
        await server.write(pong_frame(await read_ping(server)))


async def check_given_up(client: wirespeed.WebSocketConnection) -> None:
    """Check what a program sees of a connection that keep-alive has failed."""
    with pytest.raises(ConnectionDisconnected, match="no answer within ping_timeout") as caught:
        await client.receive()
    assert caught.value.code == client.close_code == 1006
    assert caught.value.sent == (1011, REASON)
    assert caught.value.received is None
    assert caught.value.info is not None
    assert caught.value.info.cause is CloseCause.PING_TIMEOUT
    assert caught.value.info.closed_by == "local"


async def test_answered_pings_keep_it_open(tls: Tls) -> None:
    options: dict[str, Any] = {"ping_interval": 0.001, "server_ssl": tls.server, "ssl": tls.client}
    async with both_ends(**options) as (client, server):
        payloads = set()
        for _ in range(10):
            payload = await read_ping(server)
            payloads.add(payload)
            await server.write(pong_frame(payload))
        assert len(payloads) == 10
        assert {len(payload) for payload in payloads} == {16}
        await server.write(text_frame("still here"))
        assert await client.receive_text() == "still here"
        assert client.latency is not None
        assert client.latency.last > 0
        assert client.latency.smoothed > 0


async def test_a_silent_peer_is_given_up(tls: Tls) -> None:
    async with both_ends(
        ping_interval=0.001,
        ping_timeout=SHORT,
        close_timeout=None,
        server_ssl=tls.server,
        ssl=tls.client,
    ) as (client, server):
        answer = await client.ping()
        await read_ping(server)
        waiting: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(client.receive()),
            asyncio.ensure_future(collect(client)),
            asyncio.ensure_future(client.receive_pong()),
            answer,
        ]
        await read_ping(server)
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (CLOSE, b"\x03\xf3" + REASON.encode())
        assert await server.read_rest() == b""
        for ended in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(ended, ConnectionDisconnected)
        await check_given_up(client)
        await client.wait_closed()


async def test_messages_before_the_silence_stay_readable() -> None:
    async with both_ends(ping_interval=SHORT, ping_timeout=SHORT) as (client, server):
        await server.write(text_frame("1") + text_frame("2"))
        while (await server.read_frame()).opcode != CLOSE:
            pass
        assert await client.receive_text() == "1"
        assert await client.receive_text() == "2"
        await check_given_up(client)


async def test_any_byte_is_an_answer() -> None:
    async with both_ends(ping_interval=0.05, ping_timeout=0.05) as (client, server):
        await server.write(b"\x81\x05")
        for byte in b"hello":
            # A byte is neither a Pong nor a message, but counts as an answer.
            await read_ping(server)
            await server.write(bytes((byte,)))
        assert await client.receive_text() == "hello"


async def test_a_large_message_in_pieces_is_life() -> None:
    size = 400_000
    header = b"\x82\x7f" + size.to_bytes(8, "big")
    async with both_ends(ping_interval=0.05, ping_timeout=0.05) as (client, server):
        await server.write(header)
        for _ in range(4):
            await read_ping(server)
            await server.write(b"x" * (size // 4))
        assert await client.receive_bytes() == b"x" * size


async def test_without_a_timeout_nobody_is_given_up() -> None:
    async with both_ends(ping_interval=0.001, ping_timeout=None) as (client, server):
        for _ in range(20):
            await read_ping(server)
        assert not client.closed


async def test_a_timeout_longer_than_the_interval_does_not_delay_pings() -> None:
    async with both_ends(ping_interval=0.001, ping_timeout=3600) as (client, server):
        await answer_pings(server, 10)
        assert not client.closed


async def reading_is_held_back(client: wirespeed.WebSocketConnection) -> None:
    """Wait until the client reads no more, because its queue is full."""
    while not client.stats.pauses:
        await turns()


async def test_a_slow_consumer_does_not_end_a_live_connection() -> None:
    options: dict[str, Any] = {"ping_interval": SHORT, "ping_timeout": SHORT, "max_queue": 1}
    async with both_ends(**options) as (client, server):
        await server.write(text_frame("1") + text_frame("2") + text_frame("3"))
        await reading_is_held_back(client)
        await intervals(6, SHORT)
        assert not client.closed
        assert [await client.receive_text() for _ in range(3)] == ["1", "2", "3"]
        await answer_pings(server, 3)
        assert not client.closed


async def test_no_ping_is_sent_while_reading_is_held_back() -> None:
    async with both_ends(ping_interval=SHORT, max_queue=1) as (client, server):
        await server.write(text_frame("1") + text_frame("2"))
        await reading_is_held_back(client)
        sent = client.stats.pings_sent
        await intervals(6, SHORT)
        assert client.stats.pings_sent == sent
        assert [await client.receive_text() for _ in range(2)] == ["1", "2"]
        await answer_pings(server, sent + 1)


async def test_a_peer_that_dies_behind_a_slow_consumer_is_given_up_later() -> None:
    options: dict[str, Any] = {"ping_interval": SHORT, "ping_timeout": SHORT, "max_queue": 1}
    async with both_ends(**options) as (client, server):
        await server.write(text_frame("1") + text_frame("2"))
        await reading_is_held_back(client)
        await intervals(3, SHORT)
        assert [await client.receive_text() for _ in range(2)] == ["1", "2"]
        await check_given_up(client)


async def test_a_batch_window_is_no_silence() -> None:
    options: dict[str, Any] = {"ping_interval": SHORT, "ping_timeout": SHORT}
    async with both_ends(batch_window=3 * SHORT, **options) as (client, server):
        await server.write(text_frame("opens a window"))
        await answer_pings(server, 6)
        assert not client.closed
        assert await client.receive_many() == ["opens a window"]


async def test_a_blocked_event_loop_is_no_silence() -> None:
    async with both_ends(ping_interval=SHORT, ping_timeout=SHORT) as (client, server):
        for _ in range(3):
            await answer_pings(server, 1)
            # The answer is in the socket, but the timeout is over before it can be read.
            time.sleep(3 * SHORT)  # noqa: ASYNC251
        await server.write(text_frame("here"))
        assert await client.receive_text() == "here"


async def test_a_peer_that_neither_reads_nor_sends() -> None:
    async with both_ends(ping_interval=None, ping_timeout=SHORT, limit=1024) as (client, _):
        sending = asyncio.create_task(client.send_many([b"x" * 65536] * 1000))
        await until_idle(lambda: client.stats.writes)
        assert not sending.done()
        client.start_keep_alive(SHORT)
        with pytest.raises(ConnectionDisconnected):
            await sending
        await client.wait_closed()
        assert client.close_info is not None
        assert client.close_info.cause is CloseCause.PING_TIMEOUT
        assert client.close_info.unsent_bytes > 0


async def test_it_is_started_and_stopped_by_hand() -> None:
    async with both_ends(ping_interval=None) as (client, server):
        client.stop_keep_alive()
        client.start_keep_alive(0.001)
        await answer_pings(server, 5)
        client.start_keep_alive(0.002)
        await answer_pings(server, 5)
        client.stop_keep_alive()
        client.stop_keep_alive()
        async with both_ends(ping_interval=0.002) as (_, other):
            # The Pings of the other connection show that time passes.
            await answer_pings(other, 10)
        await client.send("last")
        while (frame := await server.read_frame()).opcode == PING:
            # This Ping was on its way when keep-alive was stopped.
            assert len(frame.payload) == 16
        assert frame.payload == b"last"
        # The clock of `ping_timeout` was stopped too.
        assert not client.closed


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "1", True])
async def test_intervals_are_checked(value: Any) -> None:
    for name in ("ping_interval", "ping_timeout", "idle_timeout"):
        with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
            await wirespeed.connect("ws://127.0.0.1:9/", **{name: value})
    async with both_ends() as (client, _):
        with pytest.raises((TypeError, ValueError), match="interval must be"):
            client.start_keep_alive(value)


async def test_a_closed_connection_is_not_kept_alive() -> None:
    async with both_ends(ping_interval=0.001) as (client, server):
        await server.write(close_frame())
        while (await server.read_frame()).opcode != CLOSE:
            pass
        server.writer.write_eof()
        await client.wait_closed()
        with pytest.raises(ConnectionDisconnected):
            client.start_keep_alive(1)
        client.stop_keep_alive()


async def test_closing_ends_the_pings() -> None:
    async with both_ends(ping_interval=0.001, ping_timeout=SHORT) as (client, server):
        closing = asyncio.create_task(client.close())
        while (await server.read_frame()).opcode != CLOSE:
            pass
        async with both_ends(ping_interval=0.002) as (_, other):
            await answer_pings(other, 20)
        await server.write(close_frame())
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await closing
        assert client.close_info is not None
        assert client.close_info.cause is CloseCause.CLOSE


# -- Pings of the program, and their Pongs -----------------------------------------------


async def test_pongs_of_keep_alive_are_not_the_users() -> None:
    async with both_ends(ping_interval=0.001) as (client, server):
        reading = asyncio.create_task(client.receive_pong())
        await answer_pings(server, 5)
        answer = await client.ping("mine")
        while (payload := await read_ping(server)) != b"mine":
            await server.write(pong_frame(payload))
        assert not reading.done()
        assert not answer.done()
        await server.write(pong_frame(b"mine"))
        assert await reading == b"mine"
        assert await answer > 0
        with pytest.raises(wirespeed.ReadTimeout, match="no pong"):
            await client.receive_pong(timeout=0)


async def test_a_late_pong_of_a_stopped_keep_alive_is_not_the_users() -> None:
    async with both_ends(ping_interval=0.001) as (client, server):
        payload = await read_ping(server)
        client.stop_keep_alive()
        await deliver_pongs(server, payload, b"unasked")
        assert await client.receive_pong() == b"unasked"


async def deliver_pongs(server: RawConnection, *payloads: bytes) -> None:
    """Send Pongs, and wait until the client has read them."""
    await server.write(b"".join(map(pong_frame, payloads)) + b"\x89\x03end")
    while (await server.read_frame()).payload != b"end":
        pass


async def test_unread_pongs_are_bounded() -> None:
    async with both_ends() as (client, server):
        await deliver_pongs(server, *(b"%d" % number for number in range(100)))
        assert [await client.receive_pong() for _ in range(16)] == [
            b"%d" % number for number in range(84, 100)
        ]
        with pytest.raises(wirespeed.ReadTimeout):
            await client.receive_pong(timeout=0.001)


async def test_readers_of_pongs_are_served_in_turn_and_cancelled_without_loss() -> None:
    async with both_ends() as (client, server):
        readers = [asyncio.create_task(client.receive_pong()) for _ in range(4)]
        await turns()
        readers[1].cancel()
        await deliver_pongs(server, b"1", b"2", b"3", b"4")
        with pytest.raises(asyncio.CancelledError):
            await readers[1]
        assert [await readers[index] for index in (0, 2, 3)] == [b"1", b"2", b"3"]
        assert await client.receive_pong() == b"4"


@pytest.mark.parametrize("others", [0, 1])
async def test_a_reader_cancelled_with_its_pong_gives_it_back(others: int) -> None:
    async with both_ends() as (client, _):
        readers = [asyncio.create_task(client.receive_pong()) for _ in range(1 + others)]
        await turns()
        # In one turn of the loop: the reader gets the Pong, and is cancelled before it has run.
        closing_of(client).watch.take_pong(b"1")
        readers[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await readers[0]
        following = readers[1] if others else client.receive_pong(timeout=30)
        assert await following == b"1"


async def test_pongs_at_the_end() -> None:
    async with both_ends() as (client, server):
        await deliver_pongs(server, b"1")
        assert await client.receive_pong() == b"1"
        waiting = asyncio.create_task(client.receive_pong())
        await turns()
        await server.write(pong_frame(b"2") + pong_frame(b"3") + close_frame(1001))
        assert await waiting == b"2"
        await collect(client)
        assert await client.receive_pong() == b"3"
        with pytest.raises(ConnectionDisconnected) as caught:
            await client.receive_pong()
        assert caught.value.code == 1001


async def test_pongs_of_a_connection_that_is_over() -> None:
    async with both_ends() as (client, server):
        await deliver(server, b"")
        server.reset()
        await client.wait_closed()
        with pytest.raises(ConnectionDisconnected):
            await client.receive_pong()


async def test_an_aborted_reader_of_pongs() -> None:
    async with both_ends() as (client, _):
        waiting = asyncio.create_task(client.receive_pong())
        await turns()
        client.abort()
        with pytest.raises(ConnectionDisconnected, match="aborted"):
            await waiting


async def test_real_servers_answer(serve: ServerFactory) -> None:
    async with (
        serve() as server,
        wirespeed.connect(server.url, ping_interval=0.001) as client,
    ):
        while client.latency is None:
            await turns()
        answer = await client.ping(b"mine")
        assert await client.receive_pong(timeout=30) == b"mine"
        assert await answer > 0
        assert client.latency.last > 0


async def test_a_server_that_ends_while_it_is_asked() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        await read_ping(connection)

    async with raw_server(serve) as url, wirespeed.connect(url, ping_interval=0.001) as client:
        with pytest.raises(ConnectionDisconnected) as caught:
            await client.receive()
        assert caught.value.info is not None
        assert caught.value.info.closed_by == "peer"
