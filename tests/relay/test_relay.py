"""Feeds into a sink: order, acknowledgements, repetition, back-pressure, ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from relay.exchange import Exchange

import wirespeed
from wirespeed.relay import Feed, GapFinder, Record, Rejected, Relay, headers_of

SOON = wirespeed.Reconnect(initial=0.01, maximum=0.1)


class Sink:
    """Keeps what it is given; a test says when it is stored."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.futures: list[asyncio.Future[None]] = []
        self.stores = True
        self.error: Exception | None = None
        self._changed = asyncio.Condition()

    async def publish(self, record: Record) -> asyncio.Future[None] | None:
        """Take a record."""
        if self.error is not None:
            raise self.error
        self.records.append(record)
        async with self._changed:
            self._changed.notify_all()
        if self.stores:
            return None
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.futures.append(future)
        return future

    async def wait_for(self, count: int) -> list[int]:
        """Wait until it has got `count` records, and return the numbers of the messages."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.records) >= count)
        return self.numbers()

    def numbers(self) -> list[int]:
        """Return the numbers of the messages."""
        return [json.loads(record.data)["number"] for record in self.records]


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncIterator[None]:
    """Run a relay, and stop it."""
    running = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def feeding(
    sink: Sink, settings: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Exchange, Relay]]:
    """Relay the feed `a` of an exchange."""
    async with Exchange() as exchange:
        feed = Feed(name="a", url=exchange.url("a"), reconnect=SOON, **(settings or {}))
        relay = Relay([feed], sink.publish, **options)
        async with relaying(relay):
            await exchange.wait_for("a", 1)
            yield exchange, relay


async def until(condition: Callable[[], bool]) -> None:
    """Give the other tasks turns until a condition holds."""
    while not condition():
        await asyncio.sleep(0.001)


async def test_every_message_in_order() -> None:
    sink = Sink()
    async with feeding(sink) as (exchange, relay):
        exchange.send("a", 100)
        assert await sink.wait_for(100) == list(range(1, 101))
        record = sink.records[-1]
        assert (record.feed, record.subject, record.sequence) == ("a", "feeds.a", 100)
        assert record.is_text
        assert record.message_id == f"a:{record.connection}:100"
        [status] = relay.status()
        assert status.connected
        assert (status.messages, status.dropped, status.connections) == (100, 0, 1)
        assert status.progress.published == 100
        assert status.progress.unacknowledged == 0


async def test_the_window_holds_the_feed_back() -> None:
    sink = Sink()
    sink.stores = False
    async with feeding(sink, window=3) as (exchange, relay):
        exchange.send("a", 10)
        await sink.wait_for(3)
        await until(lambda: relay.status()[0].queued == 7)
        assert len(sink.records) == 3
        assert relay.status()[0].progress.unacknowledged == 3
        sink.futures[1].set_result(None)
        assert await sink.wait_for(4) == [1, 2, 3, 4]
        sink.stores = True
        for future in (sink.futures[0], *sink.futures[2:]):
            future.set_result(None)
        assert await sink.wait_for(10) == list(range(1, 11))


async def test_a_failed_record_is_sent_again_before_new_ones() -> None:
    sink = Sink()
    sink.stores = False
    async with feeding(sink) as (exchange, relay):
        exchange.send("a", 3)
        await sink.wait_for(3)
        sink.futures[1].set_exception(ConnectionError("lost"))
        sink.futures[0].set_result(None)
        sink.futures[2].set_result(None)
        await until(lambda: relay.status()[0].progress.unacknowledged == 1)
        sink.stores = True
        exchange.send("a", 2)
        assert await sink.wait_for(6) == [1, 2, 3, 2, 4, 5]
        assert relay.status()[0].progress.repeated == 1
        assert sink.records[1] == sink.records[3]


async def test_a_sink_that_fails_for_a_time_loses_nothing() -> None:
    sink = Sink()
    sink.error = ConnectionError("away")
    async with feeding(sink, window=2) as (exchange, relay):
        exchange.send("a", 20)
        await until(lambda: relay.status()[0].progress.repeated > 1)
        sink.error = None
        assert await sink.wait_for(20) == list(range(1, 21))


async def test_a_late_acknowledgement_is_given_up() -> None:
    sink = Sink()
    sink.stores = False
    async with feeding(sink, timeout=0.05) as (exchange, _relay):
        exchange.send("a", 1)
        await sink.wait_for(1)
        await until(lambda: len(sink.futures) > 1)
        assert sink.futures[0].cancelled()
        assert sink.numbers()[:2] == [1, 1]
        sink.futures[-1].set_result(None)


@pytest.mark.parametrize("later", [False, True])
async def test_a_rejected_record_is_counted_and_the_next_one_follows(later: bool) -> None:
    sink = Sink()
    async with feeding(sink) as (exchange, relay):
        if later:
            sink.stores = False
            exchange.send("a", 1)
            await sink.wait_for(1)
            sink.futures[0].set_exception(Rejected("too large"))
        else:
            sink.error = Rejected("too large")
            exchange.send("a", 1)
        await until(lambda: relay.status()[0].progress.rejected == 1)
        sink.error, sink.stores = None, True
        exchange.send("a", 1)
        await until(lambda: 2 in sink.numbers())
        assert relay.status()[0].progress.unacknowledged == 0


async def test_dropped_messages_leave_a_gap_in_the_sequence() -> None:
    sink = Sink()
    sink.stores = False
    settings = {"overflow": "drop_oldest", "max_queue": 2}
    async with feeding(sink, settings, window=1) as (exchange, relay):
        exchange.send("a", 1)
        await sink.wait_for(1)
        exchange.send("a", 8)
        await until(lambda: relay.status()[0].dropped == 6)
        sink.stores = True
        sink.futures[0].set_result(None)
        assert await sink.wait_for(3) == [1, 8, 9]
        assert [record.sequence for record in sink.records] == [1, 8, 9]
        finder = GapFinder()
        gaps = [finder.look(headers_of(record)) for record in sink.records]
        assert gaps[0] is gaps[2] is None
        assert gaps[1] is not None
        assert gaps[1].dropped == 6


async def test_the_newest_of_each_key() -> None:
    sink = Sink()
    sink.stores = False
    settings = {"overflow": "conflate", "conflate": "/feed"}
    async with feeding(sink, settings, window=1) as (exchange, relay):
        exchange.send("a", 1)
        await sink.wait_for(1)
        exchange.send("a", 5)
        await until(lambda: relay.status()[0].dropped == 4)
        sink.stores = True
        sink.futures[0].set_result(None)
        assert await sink.wait_for(2) == [1, 6]


async def test_a_new_connection_is_a_gap() -> None:
    sink = Sink()
    async with feeding(sink) as (exchange, relay):
        exchange.send("a", 2)
        await sink.wait_for(2)
        [ws] = exchange.connections("a")
        ws.transport.abort()
        await exchange.wait_for("a", 0)
        exchange.send("a", 3)
        await exchange.wait_for("a", 1)
        exchange.send("a", 1)
        assert await sink.wait_for(3) == [1, 2, 6]
        assert [record.sequence for record in sink.records] == [1, 2, 1]
        finder = GapFinder()
        gaps = [finder.look(headers_of(record)) for record in sink.records]
        assert gaps[:2] == [None, None]
        assert gaps[2] is not None
        assert (gaps[2].feed, gaps[2].dropped) == ("a", None)
        assert gaps[2].after <= gaps[2].before
        assert finder.look(headers_of(sink.records[-1])) is None
        assert relay.status()[0].connections == 2


async def test_subscriptions_come_first() -> None:
    async with Exchange() as exchange:
        feed = Feed(
            name="a", url=exchange.url("a"), subscribe=["one", "two"], headers={"X-Key": "k"}
        )
        async with relaying(Relay([feed], Sink().publish)):
            await exchange.wait_for("a", 1)
            [ws] = exchange.connections("a")
            assert [await ws.recv(), await ws.recv()] == ["one", "two"]
            assert ws.request is not None
            assert ws.request.headers["X-Key"] == "k"


async def test_stopping_waits_for_acknowledgements() -> None:
    sink = Sink()
    sink.stores = False
    async with Exchange() as exchange:
        relay = Relay([Feed(name="a", url=exchange.url("a"))], sink.publish)
        running = asyncio.create_task(relay.run())
        await exchange.wait_for("a", 1)
        exchange.send("a", 2)
        await sink.wait_for(2)
        running.cancel()
        await exchange.wait_for("a", 0)
        assert not running.done()
        for future in sink.futures:
            future.set_result(None)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert relay.missing == 0


@asynccontextmanager
async def stopped_with_a_queue(sink: Sink, **options: Any) -> AsyncIterator[Relay]:
    """Stop a relay while two messages are sent and eight are queued; wait for its end."""
    sink.stores = False
    async with Exchange() as exchange:
        relay = Relay([Feed(name="a", url=exchange.url("a"))], sink.publish, window=2, **options)
        running = asyncio.create_task(relay.run())
        await exchange.wait_for("a", 1)
        exchange.send("a", 10)
        await sink.wait_for(2)
        await until(lambda: relay.status()[0].queued == 8)
        running.cancel()
        yield relay
        with suppress(asyncio.CancelledError):
            await running


async def test_stopping_publishes_what_is_queued() -> None:
    sink = Sink()
    async with stopped_with_a_queue(sink) as relay:
        sink.stores = True
        for future in sink.futures:
            future.set_result(None)
    assert sink.numbers() == list(range(1, 11))
    assert relay.missing == 0


async def test_stopping_tells_how_many_are_missing() -> None:
    sink = Sink()
    async with stopped_with_a_queue(sink, timeout=0.05) as relay:
        pass
    assert sink.numbers() == [1, 2]
    assert relay.missing == 10


async def test_stopping_does_not_wait_for_ever() -> None:
    sink = Sink()
    sink.stores = False
    async with Exchange() as exchange:
        relay = Relay([Feed(name="a", url=exchange.url("a"))], sink.publish, timeout=0.05)
        running = asyncio.create_task(relay.run())
        await exchange.wait_for("a", 1)
        exchange.send("a", 2)
        await sink.wait_for(2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert relay.missing == 2


async def test_one_feed_that_is_refused_does_not_end_the_others() -> None:
    sink = Sink()
    async with Exchange() as exchange:
        good = Feed(name="a", url=exchange.url("a"))
        bad = Feed(
            name="b", url="ws://127.0.0.1:1/", reconnect=wirespeed.Reconnect(give_up_after=0.01)
        )
        relay = Relay([good, bad], sink.publish)
        async with relaying(relay):
            await exchange.wait_for("a", 1)
            await until(lambda: bool(relay.status()[1].error))
            exchange.send("a", 1)
            assert await sink.wait_for(1) == [1]


async def test_it_ends_when_no_feed_is_left() -> None:
    policy = wirespeed.Reconnect(give_up_after=0.01)
    relay = Relay([Feed(name="a", url="ws://127.0.0.1:1/", reconnect=policy)], Sink().publish)
    with pytest.raises(ExceptionGroup) as caught:
        await relay.run()
    [error] = caught.value.exceptions
    assert isinstance(error, OSError)


def test_arguments() -> None:
    feed = Feed(name="a", url="ws://127.0.0.1:1/")
    publish: Any = None
    with pytest.raises(ValueError, match="no feeds"):
        Relay([], publish)
    with pytest.raises(ValueError, match="same name"):
        Relay([feed, feed], publish)
    with pytest.raises(ValueError, match="window"):
        Relay([feed], publish, window=0)
    with pytest.raises(ValueError, match="timeout"):
        Relay([feed], publish, timeout=0)
