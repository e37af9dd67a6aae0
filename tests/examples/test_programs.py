"""The recipes for a gateway, market data, speech, uploads and load, against local servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

import wirespeed
from examples.gateway.gateway import Gateway
from examples.load.load import generate
from examples.market_data.market_data import Feed
from examples.speech.speech import converse
from examples.upload.upload import CHUNK_BYTES, upload
from wirespeed import Reconnect

SOON = Reconnect(initial=0.001, maximum=0.001)


@asynccontextmanager
async def serving(
    handle: Callable[[ServerConnection], Awaitable[None]], **options: Any
) -> AsyncIterator[str]:
    async with serve(handle, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def read(connection: ServerConnection) -> Any:
    return json.loads(await connection.recv())


async def send(connection: ServerConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def test_the_gateway_resumes_where_it_was() -> None:
    heard: list[Any] = []

    async def handle(connection: ServerConnection) -> None:
        await send(connection, op="hello", interval=0.01)
        heard.append(greeting := await read(connection))
        if greeting["op"] == "identify":
            await send(connection, op="ready", session="s")
            for number in (1, 2):
                await send(connection, op="event", seq=number, text=f"event {number}")
            beat = await read(connection)
            while beat["seq"] < 2:
                beat = await read(connection)
            assert beat == {"op": "heartbeat", "seq": 2}
            await send(connection, op="ack")
            assert (await read(connection))["op"] == "heartbeat"
            connection.transport.abort()
        elif len(heard) == 2:
            await send(connection, op="event", seq=2, text="event 2")
            await send(connection, op="event", seq=3, text="event 3")
            await send(connection, op="reconnect")
            await connection.wait_closed()
        else:
            await send(connection, op="invalid session")
            heard.append(await read(connection))
            await send(connection, op="event", seq=1, text="anew")
            await connection.wait_closed()

    seen: list[str] = []
    async with (
        serving(handle) as url,
        aclosing(Gateway(url, "t", SOON).events()) as events,  # type: ignore[type-var]
    ):
        async for event in events:
            seen.append(event["text"])
            if len(seen) == 4:
                break
    assert seen == ["event 1", "event 2", "event 3", "anew"]
    assert heard == [
        {"op": "identify", "token": "t"},
        {"op": "resume", "token": "t", "session": "s", "seq": 2},
        {"op": "resume", "token": "t", "session": "s", "seq": 3},
        {"op": "identify", "token": "t"},
    ]


async def test_market_data_finds_gaps_and_replaces_old_ticks() -> None:
    connections = 0

    async def handle(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        assert await read(connection) == {"subscribe": ["A", "B"]}
        if connections == 1:
            ticks = [("A", number) for number in range(1, 101)] + [("B", 1), ("B", 4)]
        else:
            ticks = [("A", 103), ("B", 5), ("END", 1)]
        for symbol, number in ticks:
            await send(connection, symbol=symbol, seq=number, price=1.5)
        if connections == 1:
            await connection.close(1012)
        await connection.wait_closed()

    async with serving(handle) as url:
        feed = Feed(url, ["A", "B"], SOON)
        taken = 0
        async with aclosing(feed.ticks()) as ticks:  # type: ignore[type-var]
            async for tick in ticks:
                taken += 1
                if tick.symbol == "END":
                    break
    assert feed.gaps == {"A": 2, "B": 2}
    assert taken + feed.replaced == 105


async def test_speech_goes_both_ways() -> None:
    async def handle(connection: ServerConnection) -> None:
        assert await read(connection) == {"type": "start", "rate": 16_000}
        while isinstance(chunk := await connection.recv(), bytes):
            await send(connection, type="heard", bytes=len(chunk))
            await connection.send(chunk[::-1])
        assert json.loads(chunk) == {"type": "end"}
        await send(connection, type="done")

    async def audio() -> AsyncIterator[bytes]:
        for number in range(3):
            yield bytes([number, 255])

    events: list[Any] = []
    speech: list[bytes] = []
    async with serving(handle) as url:
        await converse(url, audio(), on_event=events.append, on_speech=speech.append)
    assert events == [*3 * [{"type": "heard", "bytes": 2}], {"type": "done"}]
    assert speech == [b"\xff\x00", b"\xff\x01", b"\xff\x02"]


async def test_speech_ends_with_a_lost_connection() -> None:
    async def handle(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async def endless() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async with serving(handle) as url:
        with pytest.raises(BaseExceptionGroup) as ended:
            await converse(url, endless(), on_event=print, on_speech=print)
    assert ended.group_contains(wirespeed.ConnectionDisconnected)


async def test_an_upload_tells_its_progress(tmp_path: Path) -> None:
    file = tmp_path / "file"
    content = bytes(range(256)) * (10 * CHUNK_BYTES // 256) + b"the end"
    file.write_bytes(content)

    async def handle(connection: ServerConnection) -> None:
        received = await connection.recv()
        assert received == content
        await connection.send(f"{len(received)} bytes")

    told: list[tuple[int, int]] = []
    async with serving(handle, max_size=None) as url:
        answer = await upload(url, file, lambda sent, size: told.append((sent, size)))
    assert answer == f"{len(content)} bytes"
    assert told == [
        *((number * CHUNK_BYTES, len(content)) for number in range(1, 11)),
        (len(content), len(content)),
    ]


async def test_load_counts_answers_and_failures() -> None:
    connections = 0

    async def handle(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        number = connections
        try:
            async for message in connection:
                if number == 3:
                    connection.transport.abort()
                    return
                await connection.send(message)
        except ConnectionClosed:
            return

    async with serving(handle) as url:
        results = await generate(url, 3, 200, 0.05)
    assert len(results.seconds) == 20
    assert results.failures == {"ConnectionDisconnected": 1}
    assert str(results).startswith("20 answers; median ")
    results = await generate(url, 2, 10, 0.1)
    assert str(results) == "0 answers; failures: 2 x ConnectionRefusedError"
