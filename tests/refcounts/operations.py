"""One round of each public operation, on a connection whose transport is in memory.

A round leaves the connection as it was.
"""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from channel.scripted import Wire, binary, client_frames, close, in_callback, ping, pong, text
from rawserver import PING

import wirespeed
from wirespeed import ConnectionDisconnected, MessageTypeError, ReadTimeout

Operation = Callable[[Wire], Awaitable[None]]

# Not a constant that the compiler shares, so that its references can be counted.
PAYLOAD: Final = bytes(bytearray(b"payload"))
TEXT: Final = PAYLOAD.decode()


async def send_text(wire: Wire) -> None:
    await wire.connection.send_text(TEXT)


async def send_bytes(wire: Wire) -> None:
    await wire.connection.send_bytes(PAYLOAD)
    await wire.connection.send_bytes(memoryview(PAYLOAD))


async def send_json(wire: Wire) -> None:
    await wire.connection.send_json([TEXT])


async def send_many(wire: Wire) -> None:
    await wire.connection.send_many([TEXT, PAYLOAD])


async def send_fragments(wire: Wire) -> None:
    await wire.connection.send([TEXT, TEXT])
    await wire.connection.send_stream([PAYLOAD, PAYLOAD])


async def send_wrong(wire: Wire) -> None:
    bad: Any = object()
    with pytest.raises(TypeError):
        await wire.connection.send(bad)
    with pytest.raises(ValueError):  # noqa: PT011
        await wire.connection.send_text(b"\xff")


async def wait_for_room(wire: Wire) -> None:
    wire.protocol.pause_writing()
    sending = asyncio.ensure_future(wire.connection.send_text(TEXT))
    await asyncio.sleep(0)
    given_up = asyncio.ensure_future(wire.connection.flush())
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    wire.protocol.resume_writing()
    await sending


async def be_pinged(wire: Wire) -> None:
    wire.feed(ping(PAYLOAD))


async def send_ping(wire: Wire) -> None:
    del wire.transport.copies[:]
    answer = await wire.connection.ping()
    await wire.connection.flush()
    for opcode, payload in client_frames(wire.written()):
        if opcode == PING:
            wire.feed(pong(payload))
    await answer


async def receive_queued(wire: Wire) -> None:
    ws = wire.connection
    wire.feed(text("a", "b", "c", "[1]") + binary(PAYLOAD))
    await ws.receive()
    await ws.receive_text()
    await ws.receive(timeout=30)
    await ws.receive_json()
    await ws.receive_bytes()


async def receive_waiting(wire: Wire) -> None:
    for timeout in (None, 30.0):
        receiving = asyncio.ensure_future(wire.connection.receive(timeout))
        await asyncio.sleep(0)
        await in_callback(lambda: wire.feed(text("a")))
        await receiving


async def receive_cancelled(wire: Wire) -> None:
    receiving = asyncio.ensure_future(wire.connection.receive_text())
    await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.wait([receiving])


async def receive_too_late(wire: Wire) -> None:
    with pytest.raises(ReadTimeout):
        await wire.connection.receive(timeout=0)
    with pytest.raises(asyncio.QueueEmpty):
        wire.connection.receive_nowait()


async def receive_of_the_wrong_type(wire: Wire) -> None:
    wire.feed(text("a"))
    with pytest.raises(MessageTypeError):
        await wire.connection.receive_bytes()
    wire.connection.peek()
    wire.connection.receive_nowait()


async def receive_many(wire: Wire) -> None:
    wire.feed(text("a", "b") + binary(PAYLOAD))
    await wire.connection.receive_many()
    wire.feed(text("a", "b"))
    async for batch in wire.connection.batches():
        assert batch
        break


async def iterate(wire: Wire) -> None:
    wire.feed(text("a", "b"))
    left = 2
    async for _ in wire.connection:
        left -= 1
        if not left:
            break


async def receive_stream(wire: Wire) -> None:
    wire.feed(b"\x01\x01a")
    async for chunk in wire.connection.receive_stream():
        if chunk == "a":
            wire.feed(b"\x80\x01b")
    # A stream that is left half way gives its message back.
    wire.feed(text("a"))
    stream = wire.connection.receive_stream()
    await stream.aclose()
    await wire.connection.receive()


async def receive_frame_by_frame(wire: Wire) -> None:
    for byte in b"\x01\x03a\xc3\xa4\x89\x00\x80\x7e\x00\x80" + b"x" * 128:
        wire.feed(bytes([byte]))
    await wire.connection.receive()


async def receive_large(wire: Wire) -> None:
    wire.feed(binary(bytes(200_000)))
    await wire.connection.receive_bytes()


async def look(wire: Wire) -> None:
    ws = wire.connection
    repr(ws)
    _ = (ws.stats, ws.pending, ws.dropped, ws.latency, ws.closed, ws.close_code, ws.close_info)
    _ = (ws.response, ws.timings, ws.subprotocol, ws.compression, ws.local_address)
    ws.get_extra_info("socket")


async def values(wire: Wire) -> None:
    wire.feed(text("a"))
    message = await wire.connection.receive()
    assert copy.deepcopy(message) == pickle.loads(pickle.dumps(message)) == message


async def open_and_close(wire: Wire) -> None:
    other = Wire(ping_interval=None)
    other.feed(text("a"))
    closing = asyncio.ensure_future(other.connection.close())
    await asyncio.sleep(0)
    other.feed(close())
    other.lose()
    await closing
    assert await other.connection.receive_text() == "a"
    with pytest.raises(ConnectionDisconnected):
        await other.connection.receive_text()


async def fail(wire: Wire) -> None:
    other = Wire(ping_interval=None)
    receiving = asyncio.ensure_future(other.connection.receive())
    await asyncio.sleep(0)
    await in_callback(lambda: other.feed(b"\x83\x00"))
    with pytest.raises(wirespeed.ProtocolError):
        await receiving
    other.lose()
    await other.connection.wait_closed()


async def drop(wire: Wire) -> None:
    for overflow in ("drop_oldest", "drop_newest"):
        other = Wire(ping_interval=None, max_queue=1, overflow=overflow)
        other.feed(text("a", "b", "c"))
        other.lose()
        await other.connection.receive()


async def conflate(wire: Wire) -> None:
    other = Wire(ping_interval=None, conflate=lambda message: message.data[0])
    other.feed(text("a1", "b1", "a2"))
    assert sorted(map(str, await other.connection.receive_many())) == ["a2", "b1"]
    other.lose()


async def compressed(wire: Wire) -> None:
    other = Wire(
        ping_interval=None,
        compression=wirespeed.Deflate(
            server_max_window_bits=9, client_max_window_bits=9, threshold=0, mem_level=1
        ),
    )
    await other.connection.send_text(TEXT)
    # "Hello", as in RFC 7692 section 7.2.3.1.
    other.feed(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00")
    assert await other.connection.receive_text() == "Hello"
    other.lose()


OPERATIONS: Final[tuple[Operation, ...]] = (
    send_text,
    send_bytes,
    send_json,
    send_many,
    send_fragments,
    send_wrong,
    wait_for_room,
    be_pinged,
    send_ping,
    receive_queued,
    receive_waiting,
    receive_cancelled,
    receive_too_late,
    receive_of_the_wrong_type,
    receive_many,
    iterate,
    receive_stream,
    receive_frame_by_frame,
    receive_large,
    look,
    values,
    open_and_close,
    fail,
    drop,
    conflate,
    compressed,
)
