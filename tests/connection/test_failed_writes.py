"""A write that fails ends sending, never reading: what has arrived is received to the end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import reference
from channel.scripted import Wire
from ends import turns
from leaver import (
    CLOSE_FRAME,
    FIRST,
    MESSAGES,
    Leave,
    Leaver,
    Write,
    first_of,
    leaving,
    read_until_it_fails,
    text_frames,
    write_until_it_fails,
)
from rawserver import TEXT

import wirespeed
from wirespeed import (
    CloseCause,
    ConnectionDisconnected,
    Deflate,
    ProtocolError,
    WebSocketConnection,
)

MIB: Final = 1024 * 1024
WRITES: Final[dict[str, Write]] = {
    "send_text": lambda ws: ws.send_text("late"),
    "send_many": lambda ws: ws.send_many(["late", "later"]),
    "ping": lambda ws: ws.ping(),
}
# All reserved bits are set (RFC 6455 section 5.2).
BROKEN_FRAME: Final = b"\xf1\x00"


@pytest.fixture(params=["tcp", "unix"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Return where the peer's Unix socket is to be; `None` for TCP."""
    return tmp_path / "peer" if request.param == "unix" else None


@pytest.fixture
def leaver(path: Path | None) -> Iterator[Leaver]:
    with leaving(path) as server:
        yield server


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize("write", WRITES)
async def test_nothing_that_has_arrived_is_lost(leaver: Leaver, write: str) -> None:
    ws, received = await first_of(leaver)
    await write_until_it_fails(ws, WRITES[write])
    received += [message async for message in ws]
    assert received == MESSAGES
    assert (ws.close_code, ws.close_reason) == (1000, "bye")
    await ws.wait_closed()
    info = ws.close_info
    assert info is not None
    assert (info.cause, info.received, info.sent) == (CloseCause.PEER_CLOSE, (1000, "bye"), None)
    assert info.unread_messages == 0


@pytest.mark.usefixtures("transports")
async def test_the_failed_write_is_told(leaver: Leaver) -> None:
    ws, _ = await first_of(leaver)
    await write_until_it_fails(ws)
    assert ws.closed
    with pytest.raises(ConnectionDisconnected) as raised:
        await ws.send_text("no more")
    assert isinstance(raised.value.__cause__, ConnectionError)
    await ws.close()
    info = ws.close_info
    assert info is not None
    assert isinstance(info.write_error, ConnectionError)
    assert "a write failed: " in str(info)


@pytest.mark.loops("asyncio")
async def test_what_was_not_sent_is_counted(leaver: Leaver) -> None:
    ws, _ = await first_of(leaver)
    await write_until_it_fails(ws)
    with pytest.raises(ConnectionDisconnected, match="a write has failed: "):
        await ws.send_text("no more")
    await ws.close()
    assert ws.close_info is not None
    assert ws.close_info.unsent_bytes > 0


@pytest.mark.usefixtures("transports")
async def test_a_reset_that_a_write_meets_first() -> None:
    # Linux keeps what arrived before a reset.
    with leaving(leave=Leave.RESET) as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        received += [message async for message in ws]
        assert received == MESSAGES
        assert ws.close_code == 1000
        await ws.wait_closed()
        assert ws.close_info is not None
        assert isinstance(ws.close_info.write_error, ConnectionResetError)


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize(
    ("leave", "cause", "error"),
    [
        (Leave.CLOSE, CloseCause.PEER_EOF, errno.EPIPE),
        (Leave.RESET, CloseCause.NETWORK_ERROR, errno.ECONNRESET),
    ],
    ids=["close", "reset"],
)
async def test_a_peer_that_leaves_without_a_close_frame(
    leave: Leave, cause: CloseCause, error: int
) -> None:
    with leaving(leave=leave, rest=text_frames(MESSAGES[FIRST:])) as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        await read_until_it_fails(ws, received)
        assert received == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.cause is cause
        assert ws.close_info.write_error is not None
        assert ws.close_info.write_error.errno == error


@pytest.mark.usefixtures("transports")
async def test_a_fault_behind_the_messages() -> None:
    with leaving(rest=text_frames(MESSAGES[FIRST:]) + BROKEN_FRAME) as server:
        ws, received = await first_of(server)
        await write_until_it_fails(ws)
        with pytest.raises(ProtocolError):
            while True:
                received.append(await ws.receive_text())
        assert received == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.cause is CloseCause.PROTOCOL_ERROR
        assert ws.close_info.sent is None


@pytest.mark.loops("asyncio")
@pytest.mark.usefixtures("transports")
async def test_no_close_frame_is_sent_where_none_can_be() -> None:
    # Nothing is queued, and a task waits: the peer's Close frame could be answered at once.
    with leaving(first=b"", rest=CLOSE_FRAME) as server:
        ws = await wirespeed.connect(**server.where, ping_interval=None)
        waiting = asyncio.ensure_future(ws.receive())
        await asyncio.sleep(0)
        server.left_meanwhile()
        # The first is answered by a reset, and the second fails.
        with contextlib.suppress(ConnectionDisconnected):
            for _ in range(3):
                ws.send_text("late").close()
                ws.flush().close()
        with pytest.raises(ConnectionDisconnected):
            await waiting
        assert ws.close_code == 1000
        await ws.wait_closed()
        assert ws.close_info is not None
        assert (ws.close_info.cause, ws.close_info.sent) == (CloseCause.PEER_CLOSE, None)


@pytest.mark.usefixtures("transports")
async def test_a_peer_that_has_ended_its_side_of_the_stream(path: Path | None) -> None:
    with leaving(path, leave=Leave.HALF_CLOSE) as server:
        ws, received = await first_of(server)
        await ws.send_text("heard")
        received += [message async for message in ws]
        assert received == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert (ws.close_info.received, ws.close_info.sent) == ((1000, "bye"), (1000, "bye"))
        assert ws.close_info.write_error is None
        server.join()
        # One frame of text, and one Close frame: each with a header of 6 bytes.
        assert len(server.received) == 6 + len("heard") + 6 + 2 + len("bye")


async def deafened(server: Leaver, **options: Any) -> WebSocketConnection:
    """Open a connection to a peer that stops reading."""
    ws = await wirespeed.connect(**server.where, **options)
    await asyncio.to_thread(server.is_deaf.wait)
    return ws


@pytest.mark.loops("asyncio")
async def test_a_peer_that_does_not_read_is_read_to_the_end(tmp_path: Path) -> None:
    # On a Unix socket, a write fails as soon as the peer has ended its reading.
    with leaving(tmp_path / "peer", leave=Leave.DEAF) as server:
        ws = await deafened(server, ping_interval=None)
        await write_until_it_fails(ws)
        await server.left()
        assert [message async for message in ws] == MESSAGES
        assert ws.close_code == 1000


@pytest.mark.loops("asyncio")
async def test_a_keep_alive_ping_that_fails(tmp_path: Path) -> None:
    with leaving(tmp_path / "peer", leave=Leave.DEAF) as server:
        ws = await deafened(server, ping_interval=0.001, ping_timeout=None)
        while not ws.closed:
            await turns()
        await server.left()
        assert [message async for message in ws] == MESSAGES
        await ws.wait_closed()
        assert ws.close_info is not None
        assert ws.close_info.cause is CloseCause.PEER_CLOSE
        assert isinstance(ws.close_info.write_error, BrokenPipeError)


@pytest.mark.usefixtures("transports")
async def test_a_transport_that_gives_up_keeps_what_had_arrived(tmp_path: Path) -> None:
    with leaving(tmp_path / "peer", leave=Leave.DEAF, rest=b"") as server:
        ws = await deafened(server, ping_interval=0.001, ping_timeout=None)
        while not ws.closed:
            await turns()
        await server.left()
        received: list[str | bytes] = []
        await read_until_it_fails(ws, received)
        assert received == MESSAGES[:FIRST]
        await ws.wait_closed()
        assert ws.close_info is not None
        assert isinstance(ws.close_info.write_error, BrokenPipeError)


@pytest.mark.loops("asyncio")
async def test_a_peer_that_goes_on_sending_does_not_hold_up_the_loop() -> None:
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    wire = Wire(ping_interval=None)
    wire.transport._extra["socket"] = ours  # type: ignore[attr-defined]
    frame = reference.frame(TEXT, b"x" * 1024)
    reads = 0

    def send_more(messages: list[object]) -> None:
        # Inside each read there is something new to read, up to a number that ends the test.
        nonlocal reads
        reads += 1
        if reads < 100:
            peer.sendall(frame)

    wire.connection._on_messages = send_more
    peer.sendall(frame * 3)
    wire.lose(BrokenPipeError(32, "Broken pipe"))
    assert reads == 1
    assert wire.connection.pending.messages == 3
    ours.close()
    peer.close()


@pytest.mark.loops("asyncio")
async def test_what_is_left_does_not_inflate_without_bound() -> None:
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    wire = Wire(
        ping_interval=None, compression=Deflate(), max_queue_bytes=MIB, max_message_size=MIB
    )
    wire.transport._extra["socket"] = ours  # type: ignore[attr-defined]
    deflate = zlib.compressobj(9, wbits=-15)
    payload = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    bomb = bytes([0xC2, 126]) + len(payload[:-4]).to_bytes(2, "big") + payload[:-4]
    count = 60
    peer.sendall(bomb * count)
    memory = len(wire.protocol.get_buffer(-1))
    wire.lose(BrokenPipeError(32, "Broken pipe"))
    assert 0 < wire.connection.pending.messages <= memory // len(bomb) + 2 < count
    ours.close()
    peer.close()
