"""The sink that is NATS JetStream (https://docs.nats.io/nats-concepts/jetstream)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import Header, StreamConfig
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from ._headers import headers_of
from ._nats_settings import NatsSettings
from ._record import Record, Rejected
from ._window import Publish

_RECONNECT_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 5.0
# The most that the names of all headers take, and the values other than a feed's name and an id.
_HEADER_BYTES: Final = 768
_STREAM: Final = Header.EXPECTED_STREAM.value

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
        # The client that is to be closed; the same one once it can be used.
        self._connected: Client | None = None
        self._client: Client | None = None
        self._limit = 0
        self._acknowledgements = Acknowledgements(window)

    async def connect(self) -> Client:
        """Connect, make the stream if it is missing, and return the client.

        Raises:
            NotFoundError: there is no such stream, and the settings do not say how to make it.
            nats.errors.Error, OSError: JetStream cannot be reached.
        """
        await self.close()
        acknowledgements = Acknowledgements(self._window)
        client = await nats.connect(
            servers=list(self._settings.servers),
            name="wirespeed relay",
            user_credentials=self._settings.credentials,
            allow_reconnect=False,
            error_cb=_log_error,
            disconnected_cb=acknowledgements.lose,
        )
        self._connected = client
        config = await _find_stream(client.jetstream(), self._settings)
        await acknowledgements.listen(client)
        self._limit = client.max_payload
        if config.max_msg_size is not None and config.max_msg_size > 0:
            self._limit = min(self._limit, config.max_msg_size)
        self._acknowledgements = acknowledgements
        self._client = client
        return client

    async def close(self) -> None:
        """Close the connection."""
        client, self._connected, self._client = self._connected, None, None
        if client is not None and not client.is_closed:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await client.close()

    async def publish(self, record: Record) -> asyncio.Future[Any]:
        """Send a record, and return the future of its acknowledgement.

        Raises:
            Rejected: the record is larger than JetStream takes.
            nats.errors.Error, OSError: JetStream cannot be reached.
        """
        client = self._client
        if client is None:
            client = await self.connect()
        elif not client.is_connected:
            self._client = None
            raise ConnectionError("the connection to NATS is lost")
        size = len(record.data) + len(record.feed) + len(record.message_id) + _HEADER_BYTES
        if size > self._limit:
            raise Rejected(f"{size} bytes are more than the {self._limit} that JetStream takes")
        headers = headers_of(record)
        headers[_STREAM] = self._settings.stream
        reply, future = self._acknowledgements.expect()
        try:
            await client.publish(record.subject, record.data, reply, headers)
        except BaseException:
            future.cancel()
            raise
        return future


class Acknowledgements:
    """The acknowledgements that are missing on one connection.

    Not those of `publish_async` in nats-py: with a semaphore, a random token and a decoded answer
    for each message, it costs twice as much.
    """

    def __init__(self, window: int) -> None:
        # Those that were given up stay until there are so many.
        self._most = 4 * window
        self._inbox = ""
        self._numbers = count()
        # By the subject of the answer.
        self._missing: dict[str, asyncio.Future[Any]] = {}

    async def listen(self, client: Client) -> None:
        """Subscribe to the answers of JetStream."""
        inbox = client.new_inbox()
        await client.subscribe(f"{inbox}.*", cb=self._take)
        self._inbox = inbox

    def expect(self) -> tuple[str, asyncio.Future[Any]]:
        """Return a subject for an answer, and the future of the acknowledgement."""
        if len(self._missing) >= self._most:
            self._missing = {
                subject: each for subject, each in self._missing.items() if not each.done()
            }
        subject = f"{self._inbox}.{next(self._numbers)}"
        future = self._missing[subject] = asyncio.get_running_loop().create_future()
        return subject, future

    async def lose(self) -> None:
        """Fail all that are missing; else they would wait for their timeouts."""
        for future in list(self._missing.values()):
            if not future.done():
                future.set_exception(ConnectionError("the connection to NATS is lost"))

    async def _take(self, answer: Msg) -> None:
        future = self._missing.pop(answer.subject, None)
        if future is None or future.done():
            return
        error = _error_of(answer)
        if error is None:
            future.set_result(answer.data)
        else:
            future.set_exception(error)


def _error_of(answer: Msg) -> Exception | None:
    """Return the error that an answer tells of; `None` if the message is stored."""
    # All others are small JSON objects, which need not be decoded.
    if answer.data and b'"error"' not in answer.data:
        return None
    error: Exception = ConnectionError("an answer of JetStream cannot be understood")
    if answer.headers is not None:
        error = NoStreamResponseError()
    try:
        # Raises what it makes.
        APIError.from_error(json.loads(answer.data)["error"])
    except APIError as told:
        error = told
    except (ValueError, KeyError, TypeError):
        pass
    return error


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


async def _log_error(error: Exception) -> None:
    _logger.warning("nats: %s", error or repr(error))
