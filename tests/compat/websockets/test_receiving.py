"""Receiving: one at a time, decoded as wanted, whole or frame by frame."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ends import binary_frame, close_frame, text_frame, turns
from rawserver import CONTINUATION, TEXT
from reference import frame
from websockets.exceptions import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK
from websockets_programs import EACH_LIBRARY, delivered, end, kind_of, scripted, told

pytestmark = EACH_LIBRARY

RECV = "cannot call recv while another coroutine is already running recv or recv_streaming"
STREAMING = RECV.replace("call recv while", "call recv_streaming while")
# One message in three frames; the first two cut a character.
FRAGMENTS = (
    frame(TEXT, b"a\xc3", fin=False),
    frame(CONTINUATION, b"\xa4b", fin=False),
    frame(CONTINUATION, b""),
)


async def streamed(ws: Any, decode: bool | None = None) -> list[Any]:
    """Take one message frame by frame."""
    return [piece async for piece in ws.recv_streaming(decode)]


async def test_messages(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(text_frame("é") + binary_frame(b"\xff") + b"".join(FRAGMENTS))
        assert [await ws.recv() for _ in range(3)] == ["é", b"\xff", "aäb"]


async def test_decoding_either_way(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        text, binary = text_frame("é"), binary_frame("é".encode())
        await server.write((text + binary) * 4)
        assert [await ws.recv(decode=True) for _ in range(2)] == ["é", "é"]
        assert [await ws.recv(decode=False) for _ in range(2)] == [b"\xc3\xa9"] * 2
        assert [await streamed(ws, True) for _ in range(2)] == [["é"], ["é"]]
        assert [await streamed(ws, False) for _ in range(2)] == [[b"\xc3\xa9"]] * 2


@pytest.mark.parametrize("streams", [False, True])
async def test_what_is_not_text(lib: Any, streams: bool) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(binary_frame(b"\xff"))
        call = streamed(ws, True) if streams else ws.recv(decode=True)
        receiving = asyncio.create_task(told(call))
        code, reason = await server.expect_close()
        assert (code, reason) == (1007, "invalid start byte at position 0")
        await end(server)
        exc: Any = await receiving
        assert kind_of(exc) is ConnectionClosedError
        assert (exc.rcvd, exc.sent.code) == (None, 1007)
        assert isinstance(exc.__cause__, UnicodeDecodeError)
        assert ws.close_code == 1006


async def test_fragments_as_they_were_sent(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(b"".join(FRAGMENTS) * 3 + text_frame("whole"))
        assert await streamed(ws) == ["a", "äb", ""]
        assert await streamed(ws, decode=False) == [b"a\xc3", b"\xa4b", b""]
        assert await ws.recv() == "aäb"
        assert await streamed(ws) == ["whole"]


async def test_fragments_come_one_by_one(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        stream = aiter(ws.recv_streaming())
        step = asyncio.ensure_future(anext(stream))
        # In two reads: a fragment is not cut.
        for data in (FRAGMENTS[0][:3], FRAGMENTS[0][3:]):
            await turns(5)
            assert not step.done()
            await server.write(data)
        assert await step == "a"
        for data, piece in zip(FRAGMENTS[1:], ("äb", ""), strict=True):
            step = asyncio.ensure_future(anext(stream))
            await turns(5)
            assert not step.done()
            await server.write(data)
            assert await step == piece
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await server.write(text_frame("next"))
        assert await ws.recv() == "next"


async def test_only_one_at_a_time(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        first = asyncio.create_task(ws.recv())
        await turns(2)
        for call, text in ((ws.recv(), RECV), (anext(aiter(ws.recv_streaming())), STREAMING)):
            exc = await told(call)
            assert kind_of(exc) is ConcurrencyError
            assert str(exc) == text
        assert type(await told(anext(aiter(ws)))) is ConcurrencyError
        await server.write(text_frame("x"))
        assert await first == "x"


async def test_two_that_start_together(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        both = [asyncio.create_task(ws.recv()) for _ in range(2)]
        await turns(3)
        assert type(both[1].exception()) is ConcurrencyError
        await server.write(text_frame("x"))
        assert await both[0] == "x"


async def test_not_while_a_message_is_taken_apart(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await delivered(ws, server, b"".join(FRAGMENTS) + text_frame("next"))
        stream = aiter(ws.recv_streaming())
        assert await anext(stream) == "a"
        for call in (ws.recv(), anext(aiter(ws.recv_streaming()))):
            assert type(await told(call)) is ConcurrencyError
        assert [piece async for piece in stream] == ["äb", ""]
        assert await ws.recv() == "next"


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_cancelled_receive_loses_nothing(lib: Any, after: int) -> None:
    async with scripted(lib) as (ws, server):
        receiving = asyncio.create_task(ws.recv())
        await turns(2)
        await delivered(ws, server, b"".join(FRAGMENTS[:after]))
        receiving.cancel()
        await asyncio.wait([receiving])
        assert receiving.cancelled()
        await server.write(b"".join(FRAGMENTS[after:]) + text_frame("next"))
        assert await streamed(ws) == ["a", "äb", ""]
        assert await ws.recv() == "next"


async def test_a_cancelled_stream_that_had_nothing(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        streaming = asyncio.create_task(streamed(ws))
        await turns(2)
        streaming.cancel()
        await asyncio.wait([streaming])
        await server.write(text_frame("x"))
        assert await ws.recv() == "x"


@pytest.mark.parametrize(
    ("close", "kind"),
    [(close_frame(1001), None), (close_frame(4000), ConnectionClosedError), (b"", EOFError)],
)
async def test_iterating_to_the_end(lib: Any, close: bytes, kind: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(text_frame("a") + b"".join(FRAGMENTS) + text_frame("b") + close)
        if close:
            await server.read_frame()
        await end(server)
        seen = []

        async def iterate() -> None:
            async for message in ws:
                seen.append(message)  # noqa: PERF401 - it raises in the end

        if kind is None:
            await iterate()
        else:
            exc = await told(iterate())
            assert kind in {type(exc), type(exc.__cause__)}
        assert seen == ["a", "aäb", "b"]
        assert ws.close_code == {close_frame(1001): 1001, close_frame(4000): 4000}.get(close, 1006)
        assert ws.state == 3


async def test_a_stream_that_the_end_cuts_off(lib: Any) -> None:
    async with scripted(lib) as (ws, server):
        await server.write(FRAGMENTS[0] + close_frame())
        stream = aiter(ws.recv_streaming())
        assert await anext(stream) == "a"
        step = asyncio.create_task(told(anext(stream)))
        await server.read_frame()
        await end(server)
        assert isinstance(await step, ConnectionClosedOK | ConnectionClosedError)


async def test_a_long_message_in_many_fragments(lib: Any) -> None:
    # More frames than the queue has room for.
    count = 200
    async with scripted(lib) as (ws, server):
        await server.write(
            frame(TEXT, b"0", fin=False)
            + frame(CONTINUATION, b"1", fin=False) * count
            + frame(CONTINUATION, b"2")
        )
        assert await ws.recv() == f"0{'1' * count}2"


async def test_fragments_over_the_limit(lib: Any) -> None:
    async with scripted(lib, max_size=10) as (ws, server):
        await server.write(
            frame(TEXT, b"x" * 6, fin=False)
            + frame(CONTINUATION, b"x" * 4)
            + frame(TEXT, b"x" * 6, fin=False)
            + frame(CONTINUATION, b"x" * 5)
        )
        assert await ws.recv() == "x" * 10
        receiving = asyncio.create_task(told(ws.recv()))
        assert (await server.expect_close())[0] == 1009
        await end(server)
        exc: Any = await receiving
        assert exc.sent.code == 1009


async def test_a_subclass(lib: Any) -> None:
    class Shouting(lib.ClientConnection):  # type: ignore[misc]
        async def recv(self, decode: bool | None = None) -> Any:
            return (await super().recv(decode)).upper()

    async with scripted(lib, create_connection=Shouting) as (ws, server):
        assert type(ws) is Shouting
        await server.write(text_frame("a") + text_frame("b") + text_frame("c") + close_frame())
        assert await ws.recv() == "A"
        await server.read_frame()
        await end(server)
        assert [message async for message in ws] == ["B", "C"]
