"""What the client puts on the wire, byte by byte (RFC 6455 sections 4.1, 5 and 7).

No other library checks this: a tolerant server accepts what the RFC forbids.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
from ends import (
    both_ends,
    close_frame,
    collect,
    ping_frame,
    pong_frame,
    text_frame,
    turns,
)
from rawserver import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    ClientFrame,
    RawConnection,
    Upgrade,
    close_payload,
    raw_server,
)

import wirespeed

pytestmark = pytest.mark.usefixtures("transports")

# Length of the payload, and how many bytes the length must take beyond the first.
LENGTHS = [(0, 0), (1, 0), (125, 0), (126, 2), (65535, 2), (65536, 8), (200_000, 8)]


def check_frame(frame: ClientFrame) -> None:
    """Check what holds for every frame from a client."""
    assert frame.key is not None, f"not masked: {frame}"
    assert frame.reserved == 0
    size = len(frame.payload)
    assert frame.length_bytes == (0 if size <= 125 else 2 if size <= 65535 else 8)


async def read_frame(server: RawConnection) -> tuple[int, bool, bytes]:
    frame = await server.read_frame()
    check_frame(frame)
    return frame.opcode, frame.fin, frame.payload


@pytest.mark.parametrize(("size", "length_bytes"), LENGTHS)
async def test_header_of_each_length(size: int, length_bytes: int) -> None:
    async with both_ends() as (client, server):
        async with asyncio.TaskGroup() as group:
            group.create_task(client.send_bytes(b"\xa5" * size))
            frame = await server.read_frame()
        check_frame(frame)
        assert frame.length_bytes == length_bytes
        assert (frame.opcode, frame.fin, frame.payload) == (BINARY, True, b"\xa5" * size)


async def test_opcode_of_each_send() -> None:
    async with both_ends() as (client, server):
        await client.send_text("é")
        await client.send_text("é".encode())
        await client.send_bytes(b"\xff")
        await client.send_bytes(bytearray(b"\xff"))
        await client.send("é")
        await client.send(b"\xff")
        await client.send(memoryview(b"0123456789")[2:8:2])
        await client.send_json({"é": 1})
        await client.send_many(["é", b"\xff", bytearray(b"\x00"), ""])
        assert [await read_frame(server) for _ in range(12)] == [
            (TEXT, True, "é".encode()),
            (TEXT, True, "é".encode()),
            (BINARY, True, b"\xff"),
            (BINARY, True, b"\xff"),
            (TEXT, True, "é".encode()),
            (BINARY, True, b"\xff"),
            (BINARY, True, b"246"),
            (TEXT, True, b'{"\\u00e9": 1}'),
            (TEXT, True, "é".encode()),
            (BINARY, True, b"\xff"),
            (BINARY, True, b"\x00"),
            (TEXT, True, b""),
        ]


async def test_masking_keys_are_fresh() -> None:
    count = 2000
    async with both_ends() as (client, server):
        sending = asyncio.create_task(client.send_many([b"12345"] * (count // 2)))
        frames = [await server.read_frame() for _ in range(count // 2)]
        await sending
        for _ in range(count // 2):
            await client.send(b"12345")
            frames.append(await server.read_frame())
    keys = [frame.key for frame in frames]
    # Among 2,000 keys of 32 bits, two are equal in one of 2,000 runs; four such pairs never occur.
    assert len(set(keys)) >= count - 3
    for position in range(4):
        assert len({key[position] for key in keys if key is not None}) > 200
    assert {frame.payload for frame in frames} == {b"12345"}


def text_parts() -> Iterator[str]:
    yield "fir"
    yield ""
    yield "é"


@pytest.mark.parametrize(
    ("parts", "opcode", "payloads"),
    [
        (["one"], TEXT, [b"one"]),
        (["", ""], TEXT, [b"", b""]),
        (text_parts, TEXT, [b"fir", b"", "é".encode()]),
        ((b"\xff", bytearray(b"\xfe"), memoryview(b"\xfd")), BINARY, [b"\xff", b"\xfe", b"\xfd"]),
        ([b"x" * 70_000, b"y" * 126], BINARY, [b"x" * 70_000, b"y" * 126]),
    ],
    ids=["one", "empty", "generator", "bytes-like", "large"],
)
async def test_an_iterable_is_one_fragmented_message(
    parts: Any, opcode: int, payloads: list[bytes]
) -> None:
    async with both_ends() as (client, server):
        async with asyncio.TaskGroup() as group:
            group.create_task(client.send(parts() if callable(parts) else parts))
            frames = [await read_frame(server) for _ in payloads]
        opcodes = [opcode] + [CONTINUATION] * (len(payloads) - 1)
        fins = [False] * (len(payloads) - 1) + [True]
        assert frames == list(zip(opcodes, fins, payloads, strict=True))


async def test_fragments_of_several_tasks_do_not_mix() -> None:
    tasks, parts = 20, 50
    async with both_ends() as (client, server), asyncio.TaskGroup() as group:
        for number in range(tasks):
            group.create_task(client.send([b"%d" % number] * parts))
        for _ in range(tasks):
            message = [await read_frame(server) for _ in range(parts)]
            assert [fin for _, fin, _ in message] == [False] * (parts - 1) + [True]
            assert len({payload for _, _, payload in message}) == 1


@pytest.mark.parametrize("size", [0, 1, 4, 125])
async def test_pong_has_the_payload_of_the_ping(size: int) -> None:
    payload = bytes(range(131, 131 + size))
    async with both_ends() as (_, server):
        await server.write(ping_frame(payload))
        assert await read_frame(server) == (PONG, True, payload)


async def test_pongs_need_no_receiver() -> None:
    async with both_ends() as (_, server):
        for number in range(10):
            await server.write(ping_frame(b"%d" % number) + text_frame("unread"))
            assert await read_frame(server) == (PONG, True, b"%d" % number)


async def test_ping_between_fragments() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame("be", fin=False) + ping_frame(b"now"))
        assert await read_frame(server) == (PONG, True, b"now")
        await server.write(b"\x80\x04fore")
        assert await client.receive_text() == "before"


async def test_a_pong_nobody_asked_for_is_ignored() -> None:
    async with both_ends() as (client, server):
        await server.write(pong_frame(b"?") + text_frame("x") + pong_frame(b""))
        assert await client.receive_text() == "x"


async def test_ping_frames() -> None:
    async with both_ends() as (client, server):
        first = await client.ping()
        second = await client.ping(b"abc")
        third = await client.ping("é" * 62)
        assert await read_frame(server) == (PING, True, b"")
        assert await read_frame(server) == (PING, True, b"abc")
        assert await read_frame(server) == (PING, True, "é".encode() * 62)
        # A Pong also answers earlier Pings (RFC 6455 section 5.5.3).
        await server.write(pong_frame(b"abc"))
        assert await second >= 0
        assert first.done()
        assert not third.done()
        await server.write(pong_frame("é".encode() * 62))
        assert await third >= 0


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "away"), (3000, "é" * 61), (4999, "x" * 123)]
)
async def test_close_frame_of_the_client(code: int, reason: str) -> None:
    async with both_ends() as (client, server):
        await client.send("last")
        closing = asyncio.create_task(client.close(code, reason))
        assert await read_frame(server) == (TEXT, True, b"last")
        assert await read_frame(server) == (CLOSE, True, close_payload(code, reason))
        assert client.closed
        assert not closing.done()
        await server.write(close_frame(code, reason))
        server.writer.write_eof()
        await closing
        assert (client.close_code, client.close_reason) == (code, reason)
        assert await server.read_rest() == b""


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_close_frame_is_echoed(code: int) -> None:
    async with both_ends() as (client, server):
        await server.write(close_frame(code, "bye"))
        opcode, fin, payload = await read_frame(server)
        assert (opcode, fin, payload[:2]) == (CLOSE, True, close_payload(code))
        server.writer.write_eof()
        assert await server.read_rest() == b""
        assert (client.close_code, client.close_reason) == (code, "bye")
        assert client.closed


async def test_close_frame_without_a_code_is_echoed_without_one() -> None:
    async with both_ends() as (client, server):
        await server.write(b"\x88\x00")
        assert await read_frame(server) == (CLOSE, True, b"")
        server.writer.write_eof()
        assert await server.read_rest() == b""
        assert await collect(client) == []
        assert (client.close_code, client.close_reason) == (1005, "")


async def test_nothing_follows_the_close_frame() -> None:
    async with both_ends() as (client, server):
        answered = await client.ping(b"unanswered")
        assert await read_frame(server) == (PING, True, b"unanswered")
        # This arrives in one read. The client may answer neither the Ping after Close nor the sends
        # below.
        await server.write(close_frame(3005) + ping_frame(b"late") + text_frame("late"))
        assert (await read_frame(server))[:2] == (CLOSE, True)
        for send in (
            lambda: client.send("x"),
            lambda: client.send_text("x"),
            lambda: client.send_bytes(b"x"),
            lambda: client.send_json(1),
            lambda: client.send(["x", "y"]),
            lambda: client.send_many(["x"]),
            client.ping,
        ):
            with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
                await send()
            assert caught.value.code == 3005
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await client.receive()
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await client.close(1001)
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await answered


async def test_nothing_follows_the_clients_own_close_frame() -> None:
    async with both_ends() as (client, server):
        closing = asyncio.create_task(client.close())
        await turns()
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await client.send("x")
        await server.write(ping_frame(b"late") + text_frame("still readable"))
        assert await read_frame(server) == (CLOSE, True, close_payload(1000))
        assert await client.receive_text() == "still readable"
        again = asyncio.create_task(client.close(3000, "again"))
        await server.write(close_frame(1000))
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await asyncio.gather(closing, again)


async def test_the_client_leaves_the_tcp_close_to_the_server() -> None:
    async with both_ends() as (_, server):
        await server.write(close_frame(1000))
        assert (await read_frame(server))[0] == CLOSE
        end = asyncio.create_task(server.reader.read())
        await turns(50)
        assert not end.done()
        server.writer.write_eof()
        assert await end == b""


@pytest.mark.parametrize("way", ["one by one", "send_many", "gather"])
async def test_everything_sent_before_close_leaves_before_close(way: str) -> None:
    messages = [b"%d" % number for number in range(3000)]
    async with both_ends() as (client, server):
        if way == "one by one":
            # The sends are not awaited: the frames are on their way anyway.
            for message in messages:
                _ = client.send(message)
        elif way == "send_many":
            await client.send_many(messages)
        else:
            await asyncio.gather(*map(client.send, messages))
        closing = asyncio.create_task(client.close())
        assert [(await read_frame(server))[2] for _ in messages] == messages
        assert await read_frame(server) == (CLOSE, True, close_payload(1000))
        await server.write(close_frame(1000))
        server.writer.write_eof()
        await closing


async def test_request_of_the_opening_handshake() -> None:
    requests: list[Upgrade] = []

    async def serve(connection: RawConnection) -> None:
        requests.append(await connection.accept("Sec-WebSocket-Protocol: b"))
        await connection.close_politely()

    async with raw_server(serve, connections=2) as url:
        for _ in range(2):
            async with wirespeed.connect(
                f"{url}some/path?q=1",
                headers={"X-Token": "t", "Origin": "https://example.com"},
                subprotocols=["a", "b"],
            ) as connection:
                assert connection.subprotocol == "b"
                assert await collect(connection) == []
    for request in requests:
        assert request.line == "GET /some/path?q=1 HTTP/1.1"
        headers = request.headers
        assert headers["host"] == url.removeprefix("ws://").rstrip("/")
        assert headers["upgrade"].lower() == "websocket"
        assert headers["connection"].lower() == "upgrade"
        assert headers["sec-websocket-version"] == "13"
        assert [name.strip() for name in headers["sec-websocket-protocol"].split(",")] == ["a", "b"]
        assert len(base64.b64decode(headers["sec-websocket-key"], validate=True)) == 16
        assert (headers["x-token"], headers["origin"]) == ("t", "https://example.com")
        assert "sec-websocket-extensions" not in headers
    first, second = (request.headers["sec-websocket-key"] for request in requests)
    assert first != second
