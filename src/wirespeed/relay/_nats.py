"""The sink that is NATS JetStream (https://docs.nats.io/nats-concepts/jetstream)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from ._headers import headers_of
from ._nats_settings import NatsSettings
from ._record import Record, Rejected
from ._window import Publish

_RECONNECT_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 5.0
# "NATS/1.0" and the ends of lines, and what `publish_async` adds: the name of the stream.
_HEADER_BYTES: Final = 512

_logger: Final = logging.getLogger("wirespeed.relay")


class JetStream:
    """Publishes records to a stream; made by `open_nats`.

    A client of its own is made for each connection: the reconnection of `nats-py` would send what
    was left in its buffer first, before older records that were lost on the way. When a connection
    is lost, each record without an acknowledgement fails, and so does the next call. The call
    after that one connects. So the window sends on each connection first what is missing.

    Args:
        settings: where JetStream is.
        window: how many messages may be unacknowledged.
    """

    def __init__(self, settings: NatsSettings, window: int) -> None:
        self._settings = settings
        self._window = window
        self._client: Client | None = None
        self._context: JetStreamContext | None = None
        self._limit = 0
        # What waits for its acknowledgement on the open connection.
        self._sent: set[asyncio.Future[Any]] = set()

    async def connect(self) -> JetStreamContext:
        """Connect, make the stream if it is missing, and return the context for it.

        Raises:
            NotFoundError: there is no such stream, and the settings do not say how to make it.
            nats.errors.Error, OSError: JetStream cannot be reached.
        """
        await self.close()
        sent = self._sent = set()
        client = self._client = await nats.connect(
            servers=list(self._settings.servers),
            name="wirespeed relay",
            user_credentials=self._settings.credentials,
            allow_reconnect=False,
            error_cb=_log_error,
            disconnected_cb=partial(_lose, sent),
        )
        # Room for twice as many: an acknowledgement that is late is given up.
        context = client.jetstream(publish_async_max_pending=2 * self._window)
        config = await _find_stream(context, self._settings)
        self._limit = client.max_payload
        if config.max_msg_size is not None and config.max_msg_size > 0:
            self._limit = min(self._limit, config.max_msg_size)
        self._context = context
        return context

    async def close(self) -> None:
        """Close the connection."""
        client, self._client, self._context = self._client, None, None
        if client is not None and not client.is_closed:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await client.close()

    async def publish(self, record: Record) -> asyncio.Future[Any]:
        """Send a record, and return the future of its acknowledgement.

        Raises:
            Rejected: the record is larger than JetStream takes.
            nats.errors.Error, OSError: JetStream cannot be reached.
        """
        context = self._context
        if context is None:
            context = await self.connect()
        elif self._client is None or not self._client.is_connected:
            self._context = None
            raise ConnectionError("the connection to NATS is lost")
        headers = headers_of(record)
        size = len(record.data) + sum(len(name) + len(headers[name]) + 4 for name in headers)
        if size + _HEADER_BYTES > self._limit:
            raise Rejected(f"{size} bytes are more than the {self._limit} that JetStream takes")
        sent = self._sent
        future: asyncio.Future[Any] = await context.publish_async(
            record.subject, record.data, stream=self._settings.stream, headers=headers
        )
        sent.add(future)
        future.add_done_callback(sent.discard)
        return future


@asynccontextmanager
async def open_nats(settings: NatsSettings, window: int) -> AsyncIterator[Publish]:
    """Connect to JetStream, as often as it takes, and yield the sink.

    Args:
        settings: where it is.
        window: how many messages may be unacknowledged.

    Raises:
        NotFoundError: there is no such stream, and the settings do not say how to make it.
    """
    sink = JetStream(settings, window)
    try:
        while True:
            try:
                await sink.connect()
                break
            except NotFoundError:
                raise
            except (nats.errors.Error, OSError) as exc:
                _logger.warning("JetStream cannot be reached, and is tried again: %s", exc)
                await asyncio.sleep(_RECONNECT_SECONDS)
        yield sink.publish
    finally:
        await sink.close()


async def _find_stream(context: JetStreamContext, settings: NatsSettings) -> StreamConfig:
    try:
        info = await context.stream_info(settings.stream)
    except NotFoundError:
        if not settings.subjects:
            raise
        # Another worker may make the same stream at the same time, with the same settings.
        info = await context.add_stream(
            StreamConfig(
                name=settings.stream,
                subjects=list(settings.subjects),
                duplicate_window=settings.duplicate_window,
            )
        )
    return info.config


async def _lose(sent: set[asyncio.Future[Any]]) -> None:
    """Fail what is not acknowledged; else it would wait for its timeout."""
    for future in list(sent):
        if not future.done():
            future.set_exception(ConnectionError("the connection to NATS is lost"))


async def _log_error(error: Exception) -> None:
    _logger.warning("nats: %s", error or repr(error))
