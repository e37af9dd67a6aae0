"""Sending: messages, fragments, Pings and Pongs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from ends import pong_frame, turns
from rawserver import BINARY, CONTINUATION, PING, PONG, TEXT, RawConnection
from websockets.exceptions import ConcurrencyError, ConnectionClosed, ProtocolError
from websockets.protocol import State
from websockets_programs import EACH_LIBRARY, end, kind_of, scripted, told

pytestmark = EACH_LIBRARY


async def frames(server: RawConnection, count: int) -> list[tuple[int, bytes, bool]]:
    """Read frames: opcode, payload and fin bit."""
    read = [await server.read_frame() for _ in range(count)]
    return [(frame.opcode, frame.payload, frame.fin) for frame in read]


@pytest.mark.parametrize("text", [None, True, False])
@pytest.mark.parametrize(
    "message", ["é", b"\xc3\xa9", bytearray(b"\xc3\xa9"), memoryview(b"\xc3\xa9")]
)
async def test_messages(lib: Any, message: Any, text: bool | None) -> None:
    async with scripted(lib) as (ws, server):
        await ws.send(message, text=text)
        wanted = isinstance(message, str) if text is None else text
        assert await frames(server, 1) == [(TEXT if wanted else BINARY, b"\xc3\xa9", True)]


@pytest.mark.parametrize("text", [None, True, False])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", [str, bytes])
async def test_fragments(lib: Any, kind: Any, is_async: bool, text: bool | None) -> None:
    pieces = ["a", "", "b"] if kind is str else [b"a", b"", b"b"]

    async def each() -> AsyncIterator[Any]:
        for piece in pieces:
            yield piece

    async with scripted(lib) as (ws, server):
        await ws.send(each() if is_async else pieces, text=text)
        wanted = kind is str if text is None else text
        assert await frames(server, 4) == [
            (TEXT if wanted else BINARY, b"a", False),
            (CONTINUATION, b"", False),
            (CONTINUATION, b"b", False),
            (CONTINUATION, b"", True),
        ]


async def test_the_first_fragment_leaves_before_the_second_is_asked_for(lib: Any) -> None:
    asked = asyncio.Event()
    more = asyncio.Event()

    async def each() -> AsyncIterator[str]:
        yield "first"
        asked.set()
        await more.wait()
        yield "second"

    async with scripted(lib) as (ws, server):
        sending = asyncio.create_task(ws.send(each()))
        assert await frames(server, 1) == [(TEXT, b"first", False)]
        await asked.wait()
        others = [asyncio.create_task(ws.send(text)) for text in ("x", "y")]
        await ws.ping(b"?")
        assert await frames(server, 1) == [(PING, b"?", True)]
        await turns(5)
        assert not any(other.done() for other in others)
        more.set()
        await asyncio.gather(sending, *others)
        assert await frames(server, 4) == [
            (CONTINUATION, b"second", False),
            (CONTINUATION, b"", True),
            (TEXT, b"x", True),
            (TEXT, b"y", True),
        ]


async def test_closing_while_fragments_are_sent(lib: Any) -> None:
    asked = asyncio.Event()
    more = asyncio.Event()

    async def each() -> AsyncIterator[str]:
        yield "first"
        asked.set()
        await more.wait()
        yield "second"

    async with scripted(lib) as (ws, server):
        sending = asyncio.create_task(told(ws.send(each())))
        await asked.wait()
        closing = asyncio.create_task(ws.close())
        assert await frames(server, 1) == [(TEXT, b"first", False)]
        assert await server.expect_close() == (1011, "close during fragmented message")
        await end(server)
        await closing
        more.set()
        exc: Any = await sending
        assert issubclass(kind_of(exc), ConnectionClosed)
        assert (exc.rcvd, exc.sent.code) == (None, 1011)
        assert ws.close_code == 1006


@pytest.mark.parametrize("is_async", [False, True])
async def test_no_fragments_send_nothing(lib: Any, is_async: bool) -> None:
    async def none() -> AsyncIterator[str]:
        for piece in list[str]():
            yield piece

    async with scripted(lib) as (ws, server):
        await ws.send(none() if is_async else [])
        await ws.send("next")
        assert await frames(server, 1) == [(TEXT, b"next", True)]


@pytest.mark.parametrize("message", [None, {"a": 1}, 1, 1.5, object()])
async def test_what_cannot_be_sent(lib: Any, message: Any) -> None:
    async with scripted(lib) as (ws, server):
        exc = await told(ws.send(message))
        assert kind_of(exc) is TypeError
        text = "data is a dict-like object"
        if not isinstance(message, dict):
            text = "data must be str, bytes, iterable, or async iterable"
        assert str(exc) == text
        assert ws.state is State.OPEN
        await ws.send("next")
        assert await frames(server, 1) == [(TEXT, b"next", True)]


@pytest.mark.parametrize("pieces", [["a", b"b"], [b"a", "b"], ["a", 1]])
async def test_fragments_of_mixed_kinds(lib: Any, pieces: list[Any]) -> None:
    async with scripted(lib) as (ws, server):
        sending = asyncio.create_task(told(ws.send(pieces)))
        assert (await frames(server, 1))[0][1:] == (b"a", False)
        assert await server.expect_close() == (1011, "error in fragmented message")
        await end(server)
        exc = await sending
        assert kind_of(exc) is TypeError
        assert str(exc) == "iterable must contain uniform types"
        closed: Any = await told(ws.recv())
        assert (closed.rcvd, closed.sent.code) == (None, 1011)


async def test_an_iterable_that_raises(lib: Any) -> None:
    def each() -> Iterator[str]:
        yield "a"
        raise LookupError

    async with scripted(lib) as (ws, server):
        sending = asyncio.create_task(told(ws.send(each())))
        await frames(server, 1)
        assert await server.expect_close() == (1011, "error in fragmented message")
        await end(server)
        assert type(await sending) is LookupError
        assert ws.state is State.CLOSED


async def test_ping_and_its_answer(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        assert ws.latency == 0
        pong = await ws.ping("é")
        assert await frames(server, 1) == [(PING, b"\xc3\xa9", True)]
        await server.write(pong_frame(b"not this") + pong_frame(b"\xc3\xa9"))
        latency = await pong
        assert 0 <= latency < 60
        assert ws.latency == latency


async def test_pings_with_drawn_payloads(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        pongs = [await ws.ping() for _ in range(3)]
        payloads = [payload for _, payload, _ in await frames(server, 3)]
        assert len(set(payloads)) == 3
        assert {len(payload) for payload in payloads} == {4}
        # A later Pong answers the earlier Pings.
        await server.write(pong_frame(payloads[1]))
        assert await pongs[0] >= await pongs[1]
        assert not pongs[2].done()
        await server.write(pong_frame(payloads[2]))
        await pongs[2]


async def test_a_payload_that_is_under_way(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        pong = await ws.ping(b"x")
        exc = await told(ws.ping("x"))
        assert kind_of(exc) is ConcurrencyError
        assert str(exc) == "already waiting for a pong with the same data"
        await server.write(pong_frame(b"x"))
        await pong
        again = await ws.ping(b"x")
        await server.write(pong_frame(b"x"))
        await again


async def test_pong(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await ws.pong()
        await ws.pong("é")
        assert await frames(server, 2) == [(PONG, b"", True), (PONG, b"\xc3\xa9", True)]


@pytest.mark.parametrize("name", ["ping", "pong"])
async def test_control_payloads_that_cannot_be_sent(lib: Any, name: str) -> None:
    async with scripted(lib) as (ws, _):
        assert type(await told(getattr(ws, name)(b"x" * 126))) is ProtocolError
        exc = await told(getattr(ws, name)(1))
        assert kind_of(exc) is TypeError
        assert str(exc) == "data must be str or bytes-like"
        assert ws.state is State.OPEN


async def test_addresses_and_identity(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        assert ws.local_address == server.writer.get_extra_info("peername")
        assert ws.remote_address == server.writer.get_extra_info("sockname")
        assert ws.transport.get_extra_info("peername") == ws.remote_address
        assert ws.id == ws.protocol.id
        assert len(str(ws.id)) == 36
        assert ws.subprotocol is None
        assert ws.protocol.state is ws.state is State.OPEN
        assert ws.request.path == "/"
        assert ws.response.status_code == 101
        assert ws.response.headers["Upgrade"] == "websocket"
        ws.logger.debug("works")
