"""One connection of a feed after the other, and their messages into the window."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..client import connect
from ..connection import Message, WebSocketConnection
from ..exceptions import WebSocketError
from ._feed import Feed, conflation_key, id_maker, needs_decoding, subject_maker
from ._pointer import decode
from ._record import Record
from ._window import Progress, Window

# Messages that are taken in one turn of the event loop.
_BATCH: Final = 64

_logger: Final = logging.getLogger("wirespeed.relay")


@dataclass(slots=True)
class FeedStatus:
    """What a feed has done so far on one of its connections, and how it is now.

    Attributes:
        feed: the name of the feed.
        connected: whether a connection is open.
        connections: how many were opened.
        messages: received, not counting dropped ones.
        message_bytes: bytes of these messages.
        dropped: messages that the overflow policy has dropped.
        queued: messages that wait in the queue.
        error: why it is not connected any more; "" while it is, or is tried again.
        progress: what the sink has taken.
    """

    feed: str
    connected: bool = False
    connections: int = 0
    messages: int = 0
    message_bytes: int = 0
    dropped: int = 0
    queued: int = 0
    error: str = ""
    progress: Progress = field(default_factory=Progress)


class Receiving:
    """Receives one feed on one connection at a time, and publishes what arrives.

    Args:
        feed: the feed.
        window: where its records go.
    """

    def __init__(self, feed: Feed, window: Window) -> None:
        self._feed = feed
        self._window = window
        self._make_subject: Callable[[Any], str] = subject_maker(feed)
        self._make_id = id_maker(feed)
        self._decodes = needs_decoding(feed)
        self._status = FeedStatus(feed.name)
        self._ws: WebSocketConnection | None = None
        # Of the open connection: its name, and how many messages were taken.
        self._connection = ""
        self._taken = 0
        # Messages that were queued at the end, and were not sent any more.
        self.unsent = 0
        # Messages that earlier connections have dropped.
        self._dropped_before = 0

    def status(self) -> FeedStatus:
        """Return a copy of the figures."""
        ws = self._ws
        dropped = 0 if ws is None else ws.dropped.messages
        return replace(
            self._status,
            progress=replace(self._status.progress),
            connected=ws is not None and not ws.closed,
            dropped=self._dropped_before + dropped,
            queued=0 if ws is None else ws.pending.messages,
        )

    async def run(self) -> None:
        """Receive until it is cancelled.

        Raises:
            Exception: the error of an attempt after which the feed's settings allow no other.
        """
        try:
            await self._run()
        except Exception as exc:
            self._status.error = str(exc) or repr(exc)
            _logger.error("feed %s is given up: %s", self._feed.name, self._status.error)
            raise

    async def _run(self) -> None:
        connecting = connect(
            self._feed.url,
            headers=self._feed.headers,
            reconnect=replace(self._feed.reconnect, on_open=self._subscribe),
            overflow="drop_oldest" if self._feed.overflow == "drop_oldest" else "pause",
            conflate=conflation_key(self._feed),
            max_queue=self._feed.max_queue,
            max_message_size=self._feed.max_message_size,
            timestamps=True,
        )
        async with aclosing(aiter(connecting)) as connections:
            async for ws in connections:
                self._ws = ws
                self._status.connections += 1
                try:
                    await self._receive(ws)
                except WebSocketError as exc:
                    _logger.info("feed %s: %s", self._feed.name, exc)
                finally:
                    self._ws = None
                    self._dropped_before += ws.dropped.messages

    async def _subscribe(self, ws: WebSocketConnection) -> None:
        for text in self._feed.subscribe:
            await ws.send_text(text)

    async def _receive(self, ws: WebSocketConnection) -> None:
        """Publish the messages of one connection; raise its end."""
        self._connection = secrets.token_hex(8)
        self._taken = 0
        try:
            while True:
                # First the room: a message that is taken from the queue can always be sent.
                await self._window.reserve()
                try:
                    message = await ws.receive()
                except BaseException:
                    self._window.release()
                    raise
                await self._publish(ws, message)
                await self._publish_more(ws)
        except asyncio.CancelledError:
            await self._publish_last(ws)
            raise

    async def _publish_more(self, ws: WebSocketConnection) -> None:
        """Publish what is queued, as far as there is room."""
        for _ in range(_BATCH):
            if not self._window.try_reserve() or not await self._publish_queued(ws):
                return
        # The loop also has acknowledgements to read.
        await asyncio.sleep(0)

    async def _publish_queued(self, ws: WebSocketConnection) -> bool:
        """Publish a queued message, for which there is room; return `False` if there is none."""
        try:
            message = ws.receive_nowait()
        except asyncio.QueueEmpty:
            self._window.release()
            return False
        except BaseException:
            self._window.release()
            raise
        await self._publish(ws, message)
        return True

    async def _publish(self, ws: WebSocketConnection, message: Message) -> None:
        """Publish a message for which there is room."""
        self._taken += 1
        # Those that were dropped came before this one.
        record = self._record(message, self._taken + ws.dropped.messages)
        self._status.messages += 1
        self._status.message_bytes += len(record.data)
        await self._window.put(record, self._status.progress)

    async def _publish_last(self, ws: WebSocketConnection) -> None:
        """Publish what is queued now: the relay stops. A second cancellation ends it."""
        left = ws.pending.messages
        try:
            while left:
                await self._window.reserve()
                # Newer messages may have replaced some of them.
                left = left - 1 if await self._publish_queued(ws) else 0
        except WebSocketError:
            # The connection was lost, and all that had arrived is published.
            left = 0
        finally:
            self.unsent = left

    def _record(self, message: Message, sequence: int) -> Record:
        is_text = isinstance(message.data, str)
        data = message.data.encode() if isinstance(message.data, str) else message.data
        received_at = _wall_clock(message.received_at)
        value = decode(message.data) if self._decodes else None
        message_id = self._make_id(value, data, received_at)
        return Record(
            feed=self._feed.name,
            subject=self._make_subject(value),
            data=data,
            is_text=is_text,
            message_id=message_id or f"{self._feed.name}:{self._connection}:{sequence}",
            connection=self._connection,
            sequence=sequence,
            received_at=received_at,
        )


def _wall_clock(monotonic: float | None) -> float:
    """Convert a time of `time.monotonic()` to seconds since 1970."""
    if monotonic is None:
        return time.time()
    return time.time() - (time.monotonic() - monotonic)
