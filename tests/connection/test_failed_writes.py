"""A write that fails ends sending, never reading: what has arrived is received to the end."""

from __future__ import annotations

import asyncio
import socket
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import reference
from channel.scripted import Wire
from rawserver import CLOSE, TEXT, accept_response, close_payload, parse_upgrade

import wirespeed
from wirespeed import CloseCause, ConnectionDisconnected, Deflate, WebSocketConnection

MESSAGES: Final = [f"{number:03}".ljust(1024, ".") for number in range(40)]
MIB: Final = 1024 * 1024
# So many are sent before the client's queue is full, and it stops reading.
FIRST: Final = 5

WRITES: Final[dict[str, Callable[[WebSocketConnection], Awaitable[object]]]] = {
    "send_text": lambda ws: ws.send_text("late"),
    "send_many": lambda ws: ws.send_many(["late", "later"]),
    "ping": lambda ws: ws.ping(),
}


class Leaver:
    """Sends messages and a Close frame in a thread, then closes without reading the answer.

    Attributes:
        may_leave: set it to let the rest be sent.
        has_left: set when the socket is closed.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.may_leave = threading.Event()
        self.has_left = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._listening, self._listening.accept()[0] as own:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += own.recv(4096)
            frames = [reference.frame(TEXT, message.encode()) for message in MESSAGES]
            own.sendall(accept_response(parse_upgrade(head)) + b"".join(frames[:FIRST]))
            self.may_leave.wait(30)
            close = reference.frame(CLOSE, close_payload(1000, "bye"))
            own.sendall(b"".join(frames[FIRST:]) + close)
        self.has_left.set()

    def join(self) -> None:
        """Wait for the thread."""
        self.may_leave.set()
        self._thread.join()


@pytest.fixture(params=["tcp", "unix"])
def leaver(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Leaver, dict[str, Any]]]:
    """Yield a server, and the arguments of `connect` that lead to it."""
    if request.param == "unix":
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / "peer"))
        listening.listen()
        where = {"url": "ws://localhost/", "unix_path": str(tmp_path / "peer")}
    else:
        listening = socket.create_server(("127.0.0.1", 0))
        where = {"url": f"ws://127.0.0.1:{listening.getsockname()[1]}/"}
    server = Leaver(listening)
    yield server, where
    server.join()


async def write_until_it_fails(
    ws: WebSocketConnection, write: Callable[[WebSocketConnection], Awaitable[object]]
) -> None:
    """Write until sends are refused; on a reset, the first write may still succeed."""
    with pytest.raises(ConnectionDisconnected):
        while True:
            await write(ws)
            await asyncio.sleep(0)


@pytest.mark.parametrize("write", WRITES)
async def test_nothing_that_has_arrived_is_lost(
    leaver: tuple[Leaver, dict[str, Any]], write: str
) -> None:
    server, where = leaver
    ws = await wirespeed.connect(**where, max_queue=2, ping_interval=None)
    received: list[str | bytes] = [await ws.receive_text()]
    server.may_leave.set()
    await asyncio.to_thread(server.has_left.wait)
    await write_until_it_fails(ws, WRITES[write])
    received += [message async for message in ws]
    assert received == MESSAGES
    assert (ws.close_code, ws.close_reason) == (1000, "bye")
    await ws.wait_closed()
    info = ws.close_info
    assert info is not None
    assert (info.cause, info.received, info.sent) == (CloseCause.PEER_CLOSE, (1000, "bye"), None)
    assert info.unread_messages == 0


@pytest.mark.loops("asyncio")
async def test_the_failed_write_is_told(leaver: tuple[Leaver, dict[str, Any]]) -> None:
    server, where = leaver
    ws = await wirespeed.connect(**where, max_queue=2, ping_interval=None)
    await ws.receive_text()
    server.may_leave.set()
    await asyncio.to_thread(server.has_left.wait)
    await write_until_it_fails(ws, WRITES["send_text"])
    assert ws.closed
    with pytest.raises(ConnectionDisconnected, match="a write has failed: ") as raised:
        await ws.send_text("no more")
    assert isinstance(raised.value.__cause__, ConnectionError)
    await ws.close()
    info = ws.close_info
    assert info is not None
    assert isinstance(info.write_error, ConnectionError)
    assert info.unsent_bytes > 0
    assert "a write failed: " in str(info)


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
