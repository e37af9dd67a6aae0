"""The sink that is NATS JetStream (https://docs.nats.io/nats-concepts/jetstream)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

_RECONNECT_SECONDS: Final = 0.2
# "NATS/1.0" and the ends of lines, and what `publish_async` adds: the name of the stream.
_HEADER_BYTES: Final = 512

_logger: Final = logging.getLogger("wirespeed.relay")


@asynccontextmanager
async def open_nats(settings: NatsSettings, window: int) -> AsyncIterator[Publish]:
    """Connect to JetStream, make the stream if it is missing, and yield the sink.

    A connection that is lost is made again, for ever.

    Args:
        settings: where it is.
        window: how many messages may be unacknowledged.

    Raises:
        nats.errors.Error, OSError: it cannot be reached, or has no such stream.
    """
    client = await nats.connect(
        servers=list(settings.servers),
        name="wirespeed relay",
        user_credentials=settings.credentials,
        max_reconnect_attempts=-1,
        reconnect_time_wait=_RECONNECT_SECONDS,
        error_cb=_log_error,
    )
    try:
        # Room for twice as many: an acknowledgement that is late is given up.
        context = client.jetstream(publish_async_max_pending=2 * window)
        config = await _find_stream(context, settings)
        limit = client.max_payload
        if config.max_msg_size is not None and config.max_msg_size > 0:
            limit = min(limit, config.max_msg_size)
        yield _publisher(client, context, settings.stream, limit)
    finally:
        await client.close()


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


def _publisher(client: Client, context: JetStreamContext, stream: str, limit: int) -> Publish:
    async def publish(record: Record) -> asyncio.Future[Any]:
        headers = headers_of(record)
        size = len(record.data) + sum(len(name) + len(headers[name]) + 4 for name in headers)
        if size + _HEADER_BYTES > limit:
            raise Rejected(f"{size} bytes are more than the {limit} that JetStream takes")
        if not client.is_connected:
            # Checked here: `publish_async` would keep its place in the window for ever.
            raise ConnectionError("the connection to NATS is lost")
        return await context.publish_async(
            record.subject, record.data, stream=stream, headers=headers
        )

    return publish


async def _log_error(error: Exception) -> None:
    _logger.warning("nats: %s", error or repr(error))
