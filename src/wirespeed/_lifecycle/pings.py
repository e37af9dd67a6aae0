"""Pings of the user that wait for their answer, and Pongs that wait for a reader.

Must not know of keep-alive: its Pings and Pongs never come here.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from ..exceptions import ReadTimeout

# Pongs may come unasked (RFC 6455 section 5.5.3): the oldest is dropped for one more than these.
MAX_UNREAD_PONGS = 16


class Pings:
    """What was asked and what was answered on one connection."""

    __slots__ = ("_end", "_loop", "_pending", "_pongs", "_readers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Payload, answer and time of each Ping that is not answered, oldest first.
        self._pending: list[tuple[bytes, asyncio.Future[float], float]] = []
        self._pongs: deque[bytes] = deque(maxlen=MAX_UNREAD_PONGS)
        self._readers: deque[asyncio.Future[bytes]] = deque()
        # Makes the error of a read once no Pong will come any more.
        self._end: Callable[[], BaseException] | None = None

    def add(self, payload: bytes) -> asyncio.Future[float]:
        """Return the answer-to-be of a Ping that is sent now: its round trip in seconds."""
        answer: asyncio.Future[float] = self._loop.create_future()
        self._pending.append((payload, answer, time.perf_counter()))
        return answer

    def take_pong(self, payload: bytes) -> float | None:
        """Answer the Pings up to the one with this payload (RFC 6455 section 5.5.3).

        Returns:
            The round trip of that one in seconds, `None` if there is none.
        """
        self._hand_over(payload)
        count = next((n for n, ping in enumerate(self._pending, 1) if ping[0] == payload), 0)
        if not count:
            return None
        now = time.perf_counter()
        answered, self._pending = self._pending[:count], self._pending[count:]
        for _, answer, sent_at in answered:
            if not answer.done():
                answer.set_result(now - sent_at)
        return now - answered[-1][2]

    async def read(self, seconds: float | None) -> bytes:
        """Wait for the payload of the next Pong, for some seconds or without limit.

        Raises:
            ReadTimeout: none came in time.
        """
        if self._pongs:
            return self._pongs.popleft()
        if self._end is not None:
            raise self._end()
        reader: asyncio.Future[bytes] = self._loop.create_future()
        self._readers.append(reader)
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await reader
        except asyncio.CancelledError:
            self._give_back(reader)
            raise
        except TimeoutError as exc:
            if not deadline.expired():
                raise
            self._give_back(reader)
            raise ReadTimeout(f"no pong arrived within {seconds} seconds") from exc

    def finish(self, end: Callable[[], BaseException]) -> None:
        """Let reads end with what `end` makes, after the Pongs that have arrived."""
        self._end = end
        for reader in self._readers:
            if not reader.done():
                reader.set_exception(end())
        self._readers.clear()

    def fail(self, end: Callable[[], BaseException]) -> None:
        """Let Pings that are not answered fail with what `end` makes."""
        for _, answer, _ in self._pending:
            if not answer.done():
                answer.set_exception(end())
                # Marked as seen: an answer that nobody waits for is no error to log.
                answer.exception()
        self._pending.clear()

    def _hand_over(self, payload: bytes) -> None:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(payload)
                return
        self._pongs.append(payload)

    def _give_back(self, reader: asyncio.Future[bytes]) -> None:
        """Take a reader that gives up out of the line; what it was given is the next one's."""
        if reader in self._readers:
            self._readers.remove(reader)
        if not reader.done() or reader.cancelled() or reader.exception() is not None:
            return
        payload = reader.result()
        while self._readers:
            following = self._readers.popleft()
            if not following.done():
                following.set_result(payload)
                return
        if len(self._pongs) < MAX_UNREAD_PONGS:
            self._pongs.appendleft(payload)
