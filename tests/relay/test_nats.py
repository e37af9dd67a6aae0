"""The sink that is JetStream, with a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from weakref import ref

import pytest
from nats.js.errors import BadRequestError, NoStreamResponseError, NotFoundError
from relay.jetstream import FOUND, MISSING, JetStream

from wirespeed.relay import NatsSettings, Record, Rejected
from wirespeed.relay._nats import open_nats

pytestmark = [
    pytest.mark.skipif(not FOUND, reason=MISSING),
    pytest.mark.loops("asyncio"),
    pytest.mark.deadline(60),
]

RECORD = Record(
    feed="a",
    subject="feeds.a",
    data=b"{}",
    is_text=True,
    message_id="a:1",
    connection="c",
    sequence=1,
    received_at=0.0,
)


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[JetStream, NatsSettings]]:
    """Run a server, and tell the settings for it."""
    server = JetStream(directory)
    await server.start()
    try:
        yield server, NatsSettings(servers=[server.url], subjects=["feeds.>"])
    finally:
        await server.stop()


async def test_a_copy_is_stored_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (_server, settings), open_nats(settings, 10) as publish:
        futures = [await publish(RECORD), await publish(replace(RECORD, connection="d"))]
        acks = [json.loads(await future) for future in futures if future is not None]
        assert [(ack["seq"], ack.get("duplicate")) for ack in acks] == [(1, None), (1, True)]


async def test_a_lost_connection_fails_what_is_not_acknowledged(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, settings), open_nats(settings, 10) as publish:
        server.pause()
        future = await publish(RECORD)
        assert future is not None
        await server.stop()
        with pytest.raises(ConnectionError):
            await future
        await server.start()
        # So that the window sends first what is missing, the loss is told before it connects.
        with pytest.raises(ConnectionError):
            await publish(RECORD)
        again = await publish(RECORD)
        assert again is not None
        assert json.loads(await again)["seq"] == 1


async def test_a_message_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_server, settings), open_nats(settings, 10) as publish:
        with pytest.raises(Rejected, match="more than"):
            await publish(replace(RECORD, data=bytes(1 << 20)))


async def test_errors_of_jetstream(tmp_path: Path) -> None:
    async with running(tmp_path) as (_server, settings), open_nats(settings, 10) as publish:
        other = replace(settings, stream="OTHER", subjects=["other.>"])
        async with open_nats(other, 10) as publish_to_other:
            wrong = await publish_to_other(RECORD)
            assert wrong is not None
            with pytest.raises(BadRequestError, match="expected stream"):
                await wrong
        nowhere = await publish(replace(RECORD, subject="nowhere"))
        assert nowhere is not None
        with pytest.raises(NoStreamResponseError):
            await nowhere
        right = await publish(RECORD)
        assert right is not None
        assert json.loads(await right)["stream"] == "FEEDS"


async def test_acknowledgements_that_were_given_up_do_not_gather(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, settings), open_nats(settings, 1) as publish:
        server.pause()
        futures = []
        for number in range(100):
            future = await publish(replace(RECORD, message_id=f"a:{number}"))
            assert future is not None
            future.cancel()
            futures.append(ref(future))
        del future
        assert sum(each() is not None for each in futures) <= 4
        server.resume()
        last = await publish(RECORD)
        assert last is not None
        await last


async def test_a_stream_that_is_missing_is_an_error(tmp_path: Path) -> None:
    async with running(tmp_path) as (_server, settings):
        with pytest.raises(NotFoundError):
            async with open_nats(replace(settings, subjects=()), 10):
                pass


async def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, settings):
        await server.stop()
        opening = asyncio.create_task(publish_once(settings))
        await asyncio.sleep(0)
        await server.start()
        assert await opening == 1


async def publish_once(settings: NatsSettings) -> int:
    """Return the place of the record in the stream."""
    async with open_nats(settings, 10) as publish:
        future = await publish(RECORD)
        assert future is not None
        place: int = json.loads(await future)["seq"]
        return place
