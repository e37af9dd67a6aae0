"""The rules about wakes, pauses and writes, on the transports of every event loop, also with TLS.

The transports are real; only the peer is scripted.
"""

# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channel.scripted import binary, close, ping, text, turns
from channel.test_wake import WAYS, Way
from ends import both_ends, until_idle
from rawserver import BINARY, CLOSE, PONG, RawConnection

import wirespeed
import wirespeed._network.transport
from wirespeed import WebSocketConnection

KIB = 1024


class Reads:
    """Counts the reads of the client's transports.

    Attributes:
        depth: how many reads are in progress.
    """

    def __init__(self) -> None:
        self.depth = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Count the reads that are in progress."""
    counted = Reads()

    for name in ("ChannelProtocol", "BufferedChannelProtocol"):
        protocol_class: Any = getattr(wirespeed._network.transport, name)

        class Counting(protocol_class):  # type: ignore[misc]
            """Counts a read while it is in progress."""

            def buffer_updated(self, nbytes: int) -> None:
                counted.depth += 1
                try:
                    super().buffer_updated(nbytes)
                finally:
                    counted.depth -= 1

        monkeypatch.setattr(wirespeed._network.transport, name, Counting)
    return counted


class Ends:
    """Opens connections of one kind of transport."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    @asynccontextmanager
    async def __call__(
        self, **options: Any
    ) -> AsyncIterator[tuple[WebSocketConnection, RawConnection]]:
        async with both_ends(**self.options, **options) as pair:
            yield pair


@pytest.fixture(params=["fast", "stock"])
def transports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with the fastest transports, then with those of the event loop itself."""
    if request.param == "stock":
        monkeypatch.setattr(wirespeed._network.transport, "_calls_readers", lambda loop: False)
    else:
        importlib.import_module("aiofastnet")
    name: str = request.param
    return name


@pytest.fixture(params=["plain", "tls"])
def ends(
    request: pytest.FixtureRequest,
    transports: str,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
) -> Ends:
    """Return a function that opens connections, with and without TLS."""
    secure = request.param == "tls"
    return Ends({"server_ssl": server_ssl, "ssl": client_ssl} if secure else {})


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_task_is_resumed_inside_the_read(
    way: Way, debug: bool, ends: Ends, reads: Reads
) -> None:
    asyncio.get_running_loop().set_debug(debug)
    inside: list[int] = []

    def note(data: str) -> str:
        inside.append(reads.depth)
        return data

    async with ends(loads=note) as (client, server):
        for number in range(3):
            waiting: asyncio.Task[Any] = asyncio.create_task(way(client))  # type: ignore[arg-type]
            await turns()
            await server.write(text(str(number)))
            assert await waiting == str(number)
    assert inside == [1, 1, 1]


async def test_iterating_in_place(ends: Ends, reads: Reads) -> None:
    inside: list[int] = []
    received: list[Any] = []
    large = bytes(range(256)) * 2000

    async def consume(client: WebSocketConnection) -> None:
        async for message in client:
            inside.append(reads.depth)
            received.append(message)
            await client.send(message[:5])

    async with ends() as (client, server):
        task = asyncio.create_task(consume(client))
        expected: list[Any] = []
        for number in range(30):
            await turns(1 + number % 4)
            await server.write(text("a", "b") + binary(large) + text("c"))
            expected += ["a", "b", large, "c"]
            for answer in (b"a", b"b", large[:5], b"c"):
                assert (await server.read_frame()).payload == answer
        await server.write(close())
        await task
    assert received == expected
    assert inside == [1] * len(expected)


@pytest.mark.parametrize("bounds", [{"max_queue": 3}, {"max_queue_bytes": 1000}])
async def test_a_slow_consumer_pauses_reading_and_loses_nothing(
    bounds: dict[str, int], ends: Ends
) -> None:
    count = 3000
    received: list[Any] = []
    messages = [b"%06d" % number * 170 for number in range(count)]

    async def feed(server: RawConnection) -> None:
        for message in messages:
            await server.write(binary(message))
            fed.append(True)

    fed: list[bool] = []
    async with ends(**bounds) as (client, server):
        feeding = asyncio.create_task(feed(server))
        async with asyncio.timeout(30):
            while len(received) < count:
                if len(received) % 100 == 99:
                    received += await client.receive_many()
                else:
                    received.append((await client.receive()).data)
                if len(received) % 7 == 0:
                    await turns(2)
        await feeding
    assert received == messages


async def test_reading_stops_while_the_queue_is_full(ends: Ends) -> None:
    fed: list[int] = []

    async def feed(server: RawConnection) -> None:
        for number in range(2000):
            await server.write(binary(b"%010d" % number * 1000))
            fed.append(number)

    async with ends(max_queue=2) as (client, server):
        feeding = asyncio.create_task(feed(server))
        await until_idle(lambda: len(fed))
        assert len(fed) < 2000
        for number in range(2000):
            assert (await client.receive_bytes())[:10] == b"%010d" % number
        await feeding


@pytest.mark.parametrize("way", ["close", "abort", "pause", "peer_closes"])
async def test_what_a_consumer_does_inside_the_read(way: str, ends: Ends, reads: Reads) -> None:
    received: list[Any] = []
    inside: list[int] = []

    async def consume(client: WebSocketConnection) -> None:
        async for message in client:
            received.append(message)
            if message == "1":
                inside.append(reads.depth)
                await act(client)

    async def act(client: WebSocketConnection) -> None:
        transport: Any = client._transport
        if way == "close":
            await client.close(1001)
        elif way == "abort":
            transport.abort()
        elif way == "pause":
            transport.pause_reading()
            await client.send("answer")
            transport.resume_reading()

    async with ends() as (client, server):
        task = asyncio.create_task(consume(client))
        await turns()
        end = close() if way == "peer_closes" else b""
        await server.write(text("1", "2", "3") + ping(b"?") + end)
        if way == "abort":
            with pytest.raises(wirespeed.ConnectionDisconnected):
                await task
        elif way == "pause":
            opcodes = {(await server.read_frame()).opcode for _ in range(2)}
            assert PONG in opcodes
            await server.write(text("4") + close())
            await task
        elif way == "close":
            frames = [await server.read_frame(), await server.read_frame()]
            assert {frame.opcode for frame in frames} == {PONG, CLOSE}
            await server.write(close(1001))
            server.writer.close()
            await task
        else:
            await task
    assert received == ["1", "2", "3", *(["4"] if way == "pause" else [])]
    assert inside == [1]


async def test_what_was_handed_over_arrives_unchanged(ends: Ends) -> None:
    """The transport fills, resumes and fills again: a reused block would corrupt a payload."""
    sizes = [1, 10, 1000, 5000, 70_000, 3, 200_000, 126, 65_536, 40_000] * 10
    messages = [bytes([index % 251]) * size for index, size in enumerate(sizes)]

    async def send(client: WebSocketConnection) -> None:
        for index, message in enumerate(messages):
            if index % 3:
                await client.send(message)
            else:
                client.send(message)

    async with ends(limit=1 * KIB) as (client, server):
        sending = asyncio.create_task(send(client))
        await until_idle(sending.done)
        for message in messages:
            frame = await server.read_frame()
            assert (frame.opcode, frame.payload == message) == (BINARY, True)
        await sending
