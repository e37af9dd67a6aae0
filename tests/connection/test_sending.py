"""Sending: wrong arguments, waiting for a full transport, sends cancelled or not awaited.

`test_wire` checks headers and masks.
"""

from __future__ import annotations

import array
import asyncio
import functools
import mmap
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from ends import both_ends, close_frame, collect, text_frame, turns, until_idle
from rawserver import BINARY, TEXT

import wirespeed
from wirespeed import WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")

CHUNK = 64 * 1024


def mapped(data: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memory


def close_with(client: WebSocketConnection, code: int) -> Coroutine[Any, Any, None]:
    return client.close(code)


# The call, and the error that it must raise.
WRONG_CALLS: dict[str, tuple[Callable[[Any], Any], type[Exception]]] = {
    "send_text(int)": (lambda client: client.send_text(5), TypeError),
    "send_text(None)": (lambda client: client.send_text(None), TypeError),
    "send_text(list)": (lambda client: client.send_text(["a"]), TypeError),
    "send_text(not UTF-8)": (lambda client: client.send_text(b"\xff"), ValueError),
    "send_text(half a character)": (lambda client: client.send_text(b"a\xc3"), ValueError),
    "send_text(lone surrogate)": (lambda client: client.send_text("a\ud800"), ValueError),
    "send_bytes(str)": (lambda client: client.send_bytes("a"), TypeError),
    "send_bytes(int)": (lambda client: client.send_bytes(5), TypeError),
    "send_bytes(None)": (lambda client: client.send_bytes(None), TypeError),
    "send_bytes(list)": (lambda client: client.send_bytes([1]), TypeError),
    "send(int)": (lambda client: client.send(5), TypeError),
    "send(None)": (lambda client: client.send(None), TypeError),
    "send(dict)": (lambda client: client.send({"a": 1}), TypeError),
    "send(list of int)": (lambda client: client.send([1, 2]), TypeError),
    "send(str, then bytes)": (lambda client: client.send(["a", b"b"]), TypeError),
    "send(bytes, then str)": (lambda client: client.send([b"a", "b"]), TypeError),
    "send(str, then int)": (lambda client: client.send(iter(["a", 1])), TypeError),
    "send(lone surrogate)": (lambda client: client.send("\udfff"), ValueError),
    "send(fragment with a lone surrogate)": (
        lambda client: client.send(["a", "\ud800"]),
        ValueError,
    ),
    "send_json(set)": (lambda client: client.send_json({1}), TypeError),
    "send_many(int)": (lambda client: client.send_many(5), TypeError),
    "send_many(None)": (lambda client: client.send_many(None), TypeError),
    "send_many([int])": (lambda client: client.send_many([5]), TypeError),
    "send_many([list])": (lambda client: client.send_many([["a"]]), TypeError),
    "ping(int)": (lambda client: client.ping(5), TypeError),
    "ping(None)": (lambda client: client.ping(None), TypeError),
    "ping(126 bytes)": (lambda client: client.ping(b"x" * 126), ValueError),
    "ping(126 bytes of text)": (lambda client: client.ping("é" * 63), ValueError),
    "close(str)": (lambda client: client.close("1000"), TypeError),
    "close(None)": (lambda client: client.close(None), TypeError),
    "close(float)": (lambda client: client.close(1000.0), TypeError),
    "close(bytes reason)": (lambda client: client.close(1000, b"bye"), TypeError),
    "close(None reason)": (lambda client: client.close(1000, None), TypeError),
    "close(124 bytes)": (lambda client: client.close(1000, "é" * 62), ValueError),
    "close(lone surrogate)": (lambda client: client.close(1000, "\ud800"), ValueError),
    **{
        f"close({code})": (functools.partial(close_with, code=code), ValueError)
        for code in (-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536)
    },
    "receive_many('5')": (lambda client: client.receive_many("5"), TypeError),
    "receive_many(0)": (lambda client: client.receive_many(0), ValueError),
    "receive(timeout='5')": (lambda client: client.receive(timeout="5"), TypeError),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
async def test_a_wrong_call_sends_nothing(name: str) -> None:
    call, error = WRONG_CALLS[name]
    async with both_ends() as (client, server):
        with pytest.raises(error):
            await call(client)
        assert not client.closed
        await client.send("the first byte")
        frame = await server.read_frame()
        assert (frame.fin, frame.opcode, frame.payload) == (True, TEXT, b"the first byte")
        await server.write(text_frame("answer"))
        assert await client.receive_text() == "answer"


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (b"", b""),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[1:3], b"bc"),
        (memoryview(b"abcd")[::-1], b"dcba"),
        (memoryview(bytearray(b"ab")), b"ab"),
        (array.array("B", [1, 255]), b"\x01\xff"),
        (array.array("H", [1, 2]), array.array("H", [1, 2]).tobytes()),
        (memoryview(array.array("I", [1, 2]))[1:], array.array("I", [2]).tobytes()),
        (mapped(b"mapped"), b"mapped"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("way", ["send", "send_bytes", "send_many", "send_text"])
async def test_bytes_like(data: Any, payload: bytes, way: str) -> None:
    if way == "send_text" and b"\xff" in payload:
        payload = b"\xc3\xbf"
        data = memoryview(payload)
    async with both_ends() as (client, server):
        await getattr(client, way)([data] if way == "send_many" else data)
        frame = await server.read_frame()
        opcode = TEXT if way == "send_text" else BINARY
        assert (frame.fin, frame.opcode, frame.payload) == (True, opcode, payload)


async def test_what_was_sent_may_be_changed_afterwards() -> None:
    # All sends are in one tick, so some data is still gathered when the memory changes.
    data = bytearray(b"before")
    large = bytearray(b"b" * 200_000)
    async with both_ends() as (client, server):
        for _ in range(3):
            _ = client.send(data)
            _ = client.send(large)
        data[:] = b"after!"
        large[:] = b"a" * 200_000
        for _ in range(3):
            assert (await server.read_frame()).payload == b"before"
            assert (await server.read_frame()).payload == b"b" * 200_000


async def test_send_many_up_to_a_wrong_one() -> None:
    async with both_ends() as (client, server):
        with pytest.raises(TypeError):
            await client.send_many(["a", b"b", 5, "c"])  # type: ignore[list-item]
        await client.send("d")
        assert [(await server.read_frame()).payload for _ in range(3)] == [b"a", b"b", b"d"]


async def test_send_many_takes_what_an_iterable_gives_before_it_raises() -> None:
    def broken() -> Iterator[str]:
        yield "a"
        raise LookupError("in the iterable")

    async with both_ends() as (client, server):
        with pytest.raises(LookupError, match="in the iterable"):
            await client.send_many(broken())
        await client.send_many([])
        await client.send("b")
        assert [(await server.read_frame()).payload for _ in range(2)] == [b"a", b"b"]


async def test_send_many_of_ten_thousand() -> None:
    messages = [b"%d" % number * (number % 50) for number in range(10_000)]
    async with both_ends() as (client, server):
        sending = asyncio.create_task(client.send_many(iter(messages)))
        assert [(await server.read_frame()).payload for _ in messages] == messages
        await sending


async def test_an_empty_iterable_is_no_message() -> None:
    async with both_ends() as (client, server):
        empty: list[str] = []
        for nothing in (empty, iter(empty)):
            with pytest.raises(ValueError, match="empty iterable"):
                await client.send(nothing)
        await client.send("x")
        assert (await server.read_frame()).payload == b"x"


async def test_flush() -> None:
    async with both_ends() as (client, server):
        for number in range(10):
            _ = client.send(b"%d" % number)
        await client.flush()
        assert [(await server.read_frame()).payload for _ in range(10)] == [
            b"%d" % number for number in range(10)
        ]
        await client.flush()


async def test_a_busy_sender_lets_others_run() -> None:
    turns_of_the_other = 0

    async def other() -> None:
        nonlocal turns_of_the_other
        while True:
            turns_of_the_other += 1
            await turns()

    async def drain() -> None:
        while (await server.read_frame()).payload != b"end":
            pass

    async with both_ends() as (client, server):
        task = asyncio.create_task(other())
        draining = asyncio.create_task(drain())
        for _ in range(1000):
            await client.send(b"x" * 1024)
        assert turns_of_the_other >= 10
        await client.send("end")
        await draining
        task.cancel()
        await asyncio.wait([task])


async def fill(client: WebSocketConnection, sent: list[int], count: int) -> None:
    """Send numbered messages, and record each whose send has returned."""
    for number in range(count):
        await client.send(b"%08d" % number * (CHUNK // 8))
        sent.append(number)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_sender_waits_for_a_server_that_does_not_read(
    secure: bool, server_ssl: Any, client_ssl: Any
) -> None:
    count = 1000
    ssl = {"server_ssl": server_ssl, "ssl": client_ssl} if secure else {}
    sent: list[int] = []
    async with both_ends(limit=1024, **ssl) as (client, server):
        filling = asyncio.create_task(fill(client, sent, count))
        await until_idle(lambda: len(sent))
        assert not filling.done()
        assert 0 < len(sent) < count // 2
        for number in range(count):
            frame = await server.read_frame()
            assert frame.payload[:8] == b"%08d" % number
            assert len(frame.payload) == CHUNK
        await filling
        assert len(sent) == count


async def test_several_senders_wait() -> None:
    async def send(number: int) -> None:
        for step in range(100):
            await client.send(b"%d %d " % (number, step) + b"x" * CHUNK)

    async with both_ends(limit=1024) as (client, server), asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(send(number))
        group.create_task(client.send_many([b"5 %d " % step + b"x" * CHUNK for step in range(100)]))
        steps = [0] * 6
        for _ in range(600):
            frame = await server.read_frame()
            sender, step = map(int, frame.payload.split()[:2])
            assert step == steps[sender]
            steps[sender] += 1
        assert steps == [100] * 6


async def test_a_cancelled_send_has_sent_and_breaks_nothing() -> None:
    sent: list[int] = []
    async with both_ends(limit=1024) as (client, server):
        filling = asyncio.create_task(fill(client, sent, 1000))
        await until_idle(lambda: len(sent))
        filling.cancel()
        await asyncio.wait([filling])
        assert filling.cancelled()
        # The frame whose wait was cancelled has been sent too.
        _ = client.send("end")
        for number in range(len(sent) + 1):
            assert (await server.read_frame()).payload[:8] == b"%08d" % number
        frame = await server.read_frame()
        assert (frame.opcode, frame.payload) == (TEXT, b"end")


async def test_a_cancelled_send_many_stops_between_two_messages() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[bytes]:
        for number in range(1000):
            taken.append(number)
            yield b"%08d" % number * (CHUNK // 8)

    async with both_ends(limit=1024) as (client, server):
        sending = asyncio.create_task(client.send_many(numbers()))
        await until_idle(lambda: len(taken))
        assert len(taken) < 1000
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled()
        count = len(taken)
        _ = client.send("end")
        for number in range(count):
            assert (await server.read_frame()).payload[:8] == b"%08d" % number
        assert (await server.read_frame()).payload == b"end"


async def test_senders_that_wait_learn_of_the_end() -> None:
    sent: list[int] = []
    async with both_ends(limit=1024) as (client, server):
        filling = asyncio.create_task(fill(client, sent, 1000))
        await until_idle(lambda: len(sent))
        flushing = asyncio.create_task(client.flush())
        await turns(10)
        assert not filling.done()
        assert not flushing.done()
        server.reset()
        for task in (filling, flushing):
            with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
                await task
            assert caught.value.code == 1006


async def test_receiving_goes_on_while_a_sender_waits() -> None:
    sent: list[int] = []
    async with both_ends(limit=1024) as (client, server):
        filling = asyncio.create_task(fill(client, sent, 1000))
        await until_idle(lambda: len(sent))
        await server.write(text_frame("still here"))
        assert await client.receive_text() == "still here"
        assert not filling.done()
        filling.cancel()
        await asyncio.wait([filling])
        server.reset()


async def test_a_clean_close_of_the_server_while_a_sender_waits() -> None:
    sent: list[int] = []
    async with both_ends(limit=1024) as (client, server):
        filling = asyncio.create_task(fill(client, sent, 1000))
        await until_idle(lambda: len(sent))
        await server.write(text_frame("last") + close_frame(1001))
        assert await collect(client) == ["last"]
        # A server that reads on finds whole frames, and the Close frame after them.
        opcode = BINARY
        while opcode == BINARY:
            opcode = (await server.read_frame()).opcode
        server.writer.close()
        with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
            await filling
        assert caught.value.code == 1001
