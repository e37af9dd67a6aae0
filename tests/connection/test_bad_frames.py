"""Malformed frames: the close code on the wire, the error, and what stays readable.

Every error is tried whole and in pieces, so that nothing depends on how reads are cut.
"""

from __future__ import annotations

import asyncio
import struct

import pytest
from ends import binary_frame, both_ends, close_frame, ping_frame, text_frame, turns
from rawserver import CLOSE, PONG

import wirespeed
from wirespeed import InvalidUtf8, MessageTooBig, ProtocolError

pytestmark = pytest.mark.usefixtures("transports")

LIMIT = 1000

# What the server sends, and the type of the error.
FAULTS: dict[str, tuple[bytes, type[ProtocolError]]] = {
    "rsv1": (b"\xc1\x01x", ProtocolError),
    "rsv2": (b"\xa1\x01x", ProtocolError),
    "rsv3": (b"\x91\x01x", ProtocolError),
    "rsv1 of a ping": (b"\xc9\x00", ProtocolError),
    "rsv2 of a continuation": (text_frame("a", fin=False) + b"\xa0\x01b", ProtocolError),
    "opcode 3": (b"\x83\x00", ProtocolError),
    "opcode 7": (b"\x87\x00", ProtocolError),
    "opcode 11": (b"\x8b\x00", ProtocolError),
    "opcode 15": (b"\x8f\x00", ProtocolError),
    "masked text": (b"\x81\x81\x01\x02\x03\x04\x60", ProtocolError),
    "masked ping": (b"\x89\x80\x01\x02\x03\x04", ProtocolError),
    "masked close": (b"\x88\x80\x01\x02\x03\x04", ProtocolError),
    "fragmented ping": (b"\x09\x00", ProtocolError),
    "fragmented pong": (b"\x0a\x00", ProtocolError),
    "fragmented close": (b"\x08\x00", ProtocolError),
    "ping of 126 bytes": (b"\x89\x7e\x00\x7e" + b"x" * 126, ProtocolError),
    "close of 126 bytes": (b"\x88\x7e\x00\x7e\x03\xe8" + b"x" * 124, ProtocolError),
    "continuation of nothing": (b"\x80\x01x", ProtocolError),
    "continuation without fin of nothing": (b"\x00\x01x", ProtocolError),
    "text inside a message": (text_frame("a", fin=False) + text_frame("b"), ProtocolError),
    "binary inside a message": (binary_frame(b"a", fin=False) + binary_frame(b"b"), ProtocolError),
    "16-bit length of 125": (b"\x82\x7e\x00\x7d" + b"x" * 125, ProtocolError),
    "64-bit length of 65535": (b"\x82\x7f" + struct.pack(">Q", 65535), ProtocolError),
    "64-bit length of 2**63": (b"\x82\x7f" + struct.pack(">Q", 1 << 63), ProtocolError),
    "close payload of 1 byte": (b"\x88\x01\x03", ProtocolError),
    "close code 0": (close_frame(0), ProtocolError),
    "close code 999": (close_frame(999), ProtocolError),
    "close code 1004": (close_frame(1004), ProtocolError),
    "close code 1005": (close_frame(1005), ProtocolError),
    "close code 1006": (close_frame(1006), ProtocolError),
    "close code 1015": (close_frame(1015), ProtocolError),
    "close code 1016": (close_frame(1016), ProtocolError),
    "close code 2999": (close_frame(2999), ProtocolError),
    "close code 5000": (close_frame(5000), ProtocolError),
    "close code 65535": (close_frame(65535), ProtocolError),
    "close reason": (b"\x88\x04\x03\xe8\xc3\x28", InvalidUtf8),
    "text with a bad byte": (b"\x81\x02a\xff", InvalidUtf8),
    "text with a surrogate": (b"\x81\x03\xed\xa0\x80", InvalidUtf8),
    "text over U+10FFFF": (b"\x81\x04\xf4\x90\x80\x80", InvalidUtf8),
    "text with an overlong form": (b"\x81\x02\xc0\xaf", InvalidUtf8),
    "text that ends inside a character": (b"\x81\x02a\xc3", InvalidUtf8),
    "fragments with a bad byte": (text_frame("é", fin=False) + b"\x00\x01\xff", InvalidUtf8),
    "fragments that end inside a character": (
        b"\x01\x01\xc3" + b"\x00\x00" + b"\x80\x00",
        InvalidUtf8,
    ),
    "unfinished text with a bad byte": (b"\x81\x64" + b"a" * 50 + b"\xff", InvalidUtf8),
    "long message": (b"\x82\x7e" + struct.pack(">H", LIMIT + 1), MessageTooBig),
    "message of 2**62 bytes": (b"\x82\x7f" + struct.pack(">Q", 1 << 62), MessageTooBig),
    "long message in fragments": (
        binary_frame(b"x" * LIMIT, fin=False) + b"\x00\x00" + b"\x80\x01",
        MessageTooBig,
    ),
}

CLOSE_CODES = {ProtocolError: 1002, InvalidUtf8: 1007, MessageTooBig: 1009}


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_fault(fault: str, cut: bool) -> None:
    data, error = FAULTS[fault]
    before = text_frame("before") + binary_frame(b"x" * LIMIT)
    pieces = [before + data]
    if cut:
        pieces = [before] + [data[i : i + 1] for i in range(len(data))]
    async with both_ends(max_message_size=LIMIT) as (client, server):
        waiting = [asyncio.create_task(client.receive()) for _ in range(4)]
        await turns()
        for piece in pieces:
            await server.write(piece)
            await turns()
        assert (await server.expect_close())[0] == CLOSE_CODES[error]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [getattr(result, "data", result) for result in results[:2]] == [
            "before",
            b"x" * LIMIT,
        ]
        assert [type(result) for result in results[2:]] == [error] * 2
        await server.write(text_frame("after") + ping_frame(b"after"))
        await check_failed(client, error)
        server.writer.write_eof()
        assert await server.read_rest() == b""


async def check_failed(client: wirespeed.WebSocketConnection, error: type[ProtocolError]) -> None:
    """Check everything that a failed connection shows to its user."""
    code = CLOSE_CODES[error]
    for receive in (
        client.receive,
        client.receive_text,
        client.receive_bytes,
        client.receive_json,
        client.receive_many,
        lambda: anext(aiter(client)),
        lambda: anext(aiter(client.batches())),
    ):
        with pytest.raises(ProtocolError) as caught:
            await receive()
        assert (type(caught.value), caught.value.close_code) == (error, code)
    with pytest.raises(error):
        client.receive_nowait()
    with pytest.raises(wirespeed.ConnectionDisconnected) as refused:
        await client.send("x")
    assert refused.value.code == code
    assert refused.value.received is None
    assert client.closed
    assert client.close_code == code


@pytest.mark.parametrize("fault", ["rsv1", "text with a bad byte", "long message"])
async def test_what_came_before_the_fault_stays_readable(fault: str) -> None:
    data, error = FAULTS[fault]
    texts = [str(number) for number in range(500)]
    async with both_ends(max_message_size=LIMIT) as (client, server):
        await server.write(b"".join(map(text_frame, texts)) + data + text_frame("after"))
        await server.expect_close()
        received = [await client.receive_text() for _ in range(100)]
        received += [client.receive_nowait().data for _ in range(100)]  # type: ignore[misc]
        received += await client.receive_many(100)  # type: ignore[arg-type]
        with pytest.raises(error):
            async for message in client:
                received.append(message)  # type: ignore[arg-type]
        assert received == texts


async def test_a_consumer_can_answer_what_came_before_the_fault() -> None:
    async def echo(client: wirespeed.WebSocketConnection) -> None:
        async for message in client:
            await client.send(message)

    async with both_ends() as (client, server):
        echoing = asyncio.create_task(echo(client))
        await turns()
        await server.write(text_frame("one") + text_frame("two") + b"\xff\xff")
        assert [(await server.read_frame()).payload for _ in range(2)] == [b"one", b"two"]
        assert (await server.expect_close())[0] == 1002
        with pytest.raises(ProtocolError):
            await echoing


async def test_a_fault_behind_the_response_lets_the_first_message_be_answered() -> None:
    trailing = text_frame("hello") + b"\xff\xff"
    async with both_ends(trailing=trailing) as (client, server):
        assert await client.receive_text() == "hello"
        await client.send("hello to you")
        assert (await server.read_frame()).payload == b"hello to you"
        assert (await server.expect_close())[0] == 1002


async def test_pings_before_the_fault_are_answered() -> None:
    async with both_ends() as (_, server):
        await server.write(ping_frame(b"1") + b"\x83\x00" + ping_frame(b"2"))
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, b"1")
        assert (await server.read_frame()).opcode == CLOSE


async def test_a_fault_after_the_close_frame_of_the_client() -> None:
    async with both_ends() as (client, server):
        closing = asyncio.create_task(client.close())
        assert await server.expect_close() == (1000, "")
        await server.write(text_frame("before") + b"\x83\x00")
        server.writer.write_eof()
        assert await server.read_rest() == b""
        await closing
        assert await client.receive_text() == "before"
        with pytest.raises(ProtocolError):
            await client.receive()


@pytest.mark.parametrize("split", [True, False], ids=["fragments", "one frame"])
async def test_the_limit_is_inclusive(split: bool) -> None:
    async with both_ends(max_message_size=LIMIT) as (client, server):
        if split:
            await server.write(binary_frame(b"x", fin=False))
            # Control frames do not count.
            await server.write(ping_frame(b"y" * 125) + b"\x80\x7e\x03\xe7" + b"x" * (LIMIT - 1))
        else:
            await server.write(binary_frame(b"x" * LIMIT))
        assert await client.receive_bytes() == b"x" * LIMIT


async def test_no_limit() -> None:
    async with (
        both_ends(max_message_size=None) as (client, server),
        asyncio.TaskGroup() as group,
    ):
        group.create_task(server.write(binary_frame(b"x" * (20 << 20))))
        assert len(await client.receive_bytes()) == 20 << 20


async def test_a_consumer_that_leaves_the_block_after_a_fault() -> None:
    async with both_ends() as (client, server):
        await server.write(b"\x83\x00")
        server.writer.write_eof()
        with pytest.raises(ProtocolError):
            async with client:
                await client.receive()
        assert client.close_code == 1002
