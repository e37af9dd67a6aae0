"""Old connections are replaced: the next one is open before the last one closes.

No test waits for real time: the `clock` fixture decides when a lifetime is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from ends import close_frame, collect, deliver, text_frame, turns, until_idle
from outages import LIFETIME, Clock, clock, serving
from rawserver import RawConnection, raw_server
from websockets.asyncio.server import ServerConnection

import wirespeed
from wirespeed import ConnectionDisconnected, Reconnect, WebSocketConnection

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("transports")

RENEWING = Reconnect(initial=1, max_lifetime=LIFETIME)


@dataclass
class Feed:
    """A server that numbers its connections, and records when each was connected.

    Attributes:
        url: where it listens.
        events: what happened, in order.
        connections: the connections that were opened.
        changed: notified of each event.
        refusals: how many of the next connections are reset during their opening.
    """

    url: str = ""
    events: list[str] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    refusals: int = 0

    async def record(self, event: str) -> None:
        async with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    async def wait_for(self, event: str) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: event in self.events)

    async def handle(self, connection: ServerConnection) -> None:
        number = len(self.connections)
        self.connections.append(connection)
        await self.record(f"{number} opened")
        await connection.send(f"hello {number}")
        async for message in connection:
            await self.record(f"{number} received {message!r}")
        await self.record(f"{number} closed {connection.close_code}")


@contextlib.asynccontextmanager
async def feeding() -> AsyncIterator[Feed]:
    feed = Feed()
    async with serving(feed.handle) as feed.url:
        yield feed


async def test_the_next_one_is_open_before_the_old_one_is_closed(clock: Clock) -> None:
    received = []
    async with feeding() as feed:

        async def subscribe(ws: WebSocketConnection) -> None:
            await ws.send_text("subscribe")
            number = len(feed.connections) - 1
            await feed.wait_for(f"{number} received 'subscribe'")

        policy = Reconnect(max_lifetime=LIFETIME, on_open=subscribe)
        async for ws in wirespeed.connect(feed.url, reconnect=policy):
            async for message in ws:
                received.append(message)
                if len(received) < 3:
                    clock.lifetime_over.set()
                else:
                    break
            if len(received) == 3:
                break
        await feed.wait_for("2 closed 1000")
    assert received == ["hello 0", "hello 1", "hello 2"]
    assert clock.delays == []
    for number in range(2):
        closed = feed.events.index(f"{number} closed 1000")
        assert feed.events.index(f"{number + 1} received 'subscribe'") < closed


async def test_what_the_old_one_has_received_stays_readable(clock: Clock) -> None:
    received: list[str | bytes] = []
    opened: list[WebSocketConnection] = []
    arrived, closing = asyncio.Event(), asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        if not opened:
            await deliver(connection, b"".join(text_frame(str(number)) for number in range(100)))
            arrived.set()
            assert await connection.expect_close() == (1000, "")
            await connection.write(text_frame("last") + close_frame(1000))
            closing.set()
        else:
            await connection.write(text_frame("first"))
            await connection.close_politely()

    async with raw_server(handle, connections=2) as url:
        async for ws in wirespeed.connect(url, reconnect=RENEWING):
            opened.append(ws)
            if len(opened) == 1:
                # No task receives until the connection is closed.
                await arrived.wait()
                clock.lifetime_over.set()
                await closing.wait()
                clock.lifetime_over.clear()
            await collect(ws, received)
            if len(opened) == 2:
                break
    assert received == [*map(str, range(100)), "last", "first"]


async def test_when_the_next_one_cannot_be_opened_the_old_one_stays(clock: Clock) -> None:
    """Four attempts fail, in four ways. Meanwhile the old connection carries messages."""
    received: list[str | bytes] = []
    failures: list[Exception] = [OSError(), TimeoutError(), ConnectionResetError(), OSError()]
    async with feeding() as feed:

        def compute_url() -> str:
            if len(feed.connections) == 1 and failures:
                raise failures.pop()
            return feed.url

        async def talk() -> None:
            assert not first.closed
            await first.send_text(f"{len(clock.delays)}")
            await feed.wait_for(f"0 received '{len(clock.delays)}'")

        clock.before_waking = talk
        # There is always a connection, so `give_up_after` does not apply.
        policy = Reconnect(initial=1, max_lifetime=LIFETIME, give_up_after=10)
        connections = aiter(wirespeed.connect(compute_url, reconnect=policy))
        first = await anext(connections)
        clock.lifetime_over.set()
        await collect(first, received)
        clock.lifetime_over.clear()
        second = await anext(connections)
        assert await second.receive_text() == "hello 1"
        await connections.aclose()
    assert received == ["hello 0"]
    assert clock.delays == [1, 2, 4, 8]
    assert feed.events.index("1 opened") < feed.events.index("0 closed 1000")


async def test_an_error_that_stays_ends_the_attempts_until_the_old_one_is_lost(
    clock: Clock,
) -> None:
    asked = 0
    async with feeding() as feed:

        def compute_url() -> str:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise KeyError("token")
            return feed.url

        connections = aiter(wirespeed.connect(compute_url, reconnect=RENEWING))
        first = await anext(connections)
        clock.lifetime_over.set()
        await until_idle(lambda: asked)
        assert asked == 2
        assert not first.closed
        await feed.connections[0].close()
        assert await collect(first) == ["hello 0"]
        with pytest.raises(KeyError):
            await anext(connections)
    assert asked == 3
    assert clock.delays == [1]


async def test_when_the_old_one_is_lost_during_an_attempt(clock: Clock) -> None:
    """The attempt is given up, and the usual rules apply: there are never two attempts at once."""
    asked = 0
    async with feeding() as feed:

        async def compute_url() -> str:
            nonlocal asked
            asked += 1
            if asked == 2:
                await asyncio.get_running_loop().create_future()
            return feed.url

        connections = aiter(wirespeed.connect(compute_url, reconnect=RENEWING))
        first = await anext(connections)
        clock.lifetime_over.set()
        await until_idle(lambda: asked)
        clock.lifetime_over.clear()
        feed.connections[0].transport.abort()
        with pytest.raises(ConnectionDisconnected):
            await collect(first)
        second = await anext(connections)
        assert await second.receive_text() == "hello 1"
        await connections.aclose()
    assert clock.delays == [1]


async def test_a_connection_that_the_program_closes_is_not_replaced(clock: Clock) -> None:
    may_answer = asyncio.Event()
    opened: list[RawConnection] = []

    async def handle(connection: RawConnection) -> None:
        opened.append(connection)
        await connection.accept()
        assert await connection.expect_close() == (1000, "")
        await may_answer.wait()
        await connection.write(close_frame())

    async with raw_server(handle) as url:
        connections = aiter(wirespeed.connect(url, reconnect=RENEWING))
        ws = await anext(connections)
        closing = asyncio.create_task(ws.close())
        await turns()
        clock.lifetime_over.set()
        await until_idle(lambda: len(opened))
        assert len(opened) == 1
        may_answer.set()
        await closing
        await connections.aclose()


async def test_asking_for_the_next_one_before_the_lifetime_is_over(clock: Clock) -> None:
    async with feeding() as feed:
        connections = aiter(wirespeed.connect(feed.url, reconnect=RENEWING))
        for _ in range(3):
            ws = await anext(connections)
        assert await ws.receive_text() == "hello 2"
        await connections.aclose()
        await feed.wait_for("2 closed 1000")
    assert len(feed.connections) == 3


async def test_the_next_one_may_be_over_before_it_is_asked_for(clock: Clock) -> None:
    async with feeding() as feed:
        connections = aiter(wirespeed.connect(feed.url, reconnect=RENEWING))
        first = await anext(connections)
        clock.lifetime_over.set()
        await feed.wait_for("0 closed 1000")
        clock.lifetime_over.clear()
        await feed.connections[1].close()
        await feed.wait_for("1 closed 1000")
        clock.now += 5
        assert await collect(first) == ["hello 0"]
        second = await anext(connections)
        await turns(2)
        assert await collect(second) == ["hello 1"]
        assert await (await anext(connections)).receive_text() == "hello 2"
        await connections.aclose()
    # The lifetime counts from the opening, not from when the connection was asked for.
    assert clock.lifetimes[:2] == [LIFETIME, LIFETIME - 5]


@pytest.mark.parametrize("way", ["aclose", "left behind"])
@pytest.mark.parametrize("stage", ["lifetime", "attempt", "delay", "on_open", "both open"])
async def test_leaving_at_each_stage(way: str, stage: str, clock: Clock) -> None:
    """The test would fail for tasks or sockets that are left behind."""
    reached, cancelled = asyncio.Event(), asyncio.Event()
    opened = 0

    async def stay() -> None:
        reached.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    async with feeding() as feed:

        async def compute_url() -> str:
            if opened and stage == "delay":
                raise OSError
            if opened and stage == "attempt":
                await stay()
            return feed.url

        async def on_open(ws: WebSocketConnection) -> None:
            nonlocal opened
            opened += 1
            if opened == 2 and stage == "on_open":
                await stay()

        clock.before_waking = stay
        policy = Reconnect(max_lifetime=LIFETIME, on_open=on_open)
        connections = aiter(wirespeed.connect(compute_url, reconnect=policy))
        ws = await anext(connections)
        if stage != "lifetime":
            clock.lifetime_over.set()
        if stage == "both open":
            await feed.wait_for("0 closed 1000")
        elif stage != "lifetime":
            await reached.wait()
        if way == "aclose":
            await connections.aclose()
            assert repr(ws) == "<WebSocketConnection closed>"
            assert cancelled.is_set() is reached.is_set()
        else:
            del connections
            gc.collect()
        await feed.wait_for("0 closed 1000")
        if stage == "both open":
            await feed.wait_for("1 closed 1000")
