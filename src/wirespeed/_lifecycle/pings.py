"""Pings of the program that wait for their answers, and Pongs that wait to be read.

Does not see the Pings and Pongs of keep-alive.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from ..exceptions import ReadTimeout

# A peer may send unsolicited Pongs (RFC 6455 section 5.5.3). If more wait, the oldest is dropped.
MAX_UNREAD_PONGS = 16
# When so many Pings are not answered, those that nobody waits for any more are forgotten.
MANY_PINGS = 32


class Pings:
    """The unanswered Pings and the unread Pongs of one connection."""

    __slots__ = ("_end", "_loop", "_many", "_pending", "_pongs", "_readers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Payload, answer and time of each Ping that is not answered, oldest first.
        self._pending: list[tuple[bytes, asyncio.Future[float], float]] = []
        # How many of them are so many that it is time to forget those that were given up.
        self._many = MANY_PINGS
        self._pongs: deque[bytes] = deque(maxlen=MAX_UNREAD_PONGS)
        self._readers: deque[asyncio.Future[bytes]] = deque()
        # Makes the error of a read once no Pong will come any more.
        self._end: Callable[[], BaseException] | None = None

    def add(self, payload: bytes) -> asyncio.Future[float]:
        """Return a future of the round trip, in seconds, of a Ping that is sent now."""
        if len(self._pending) >= self._many:
            self._forget_given_up()
        answer: asyncio.Future[float] = self._loop.create_future()
        self._pending.append((payload, answer, time.perf_counter()))
        return answer

    def payloads(self) -> set[bytes]:
        """Return the payloads of the Pings that are not answered."""
        return {payload for payload, _, _ in self._pending}

    def take_pong(self, payload: bytes) -> float | None:
        """Answer the Pings up to the one with this payload (RFC 6455 section 5.5.3).

        Returns:
            The round trip of that Ping in seconds; `None` if there is no such Ping.
        """
        self._hand_over(payload)
        count = self._place_of(payload)
        if not count:
            return None
        now = time.perf_counter()
        answered = self._pending[:count]
        for _, answer, sent_at in answered:
            if not answer.done():
                answer.set_result(now - sent_at)
        # Last: a Ping that has no answer yet must stay known, to fail with the connection.
        del self._pending[:count]
        return now - answered[-1][2]

    def _place_of(self, payload: bytes) -> int:
        """Return the place of the first Ping with this payload, from 1; 0 if there is none."""
        # Not with a generator: CPython 3.11 loses references where it cannot make one.
        for place, ping in enumerate(self._pending, 1):
            if ping[0] == payload:
                return place
        return 0

    async def read(self, seconds: float | None) -> bytes:
        """Wait for the payload of the next Pong, for some seconds or without limit (`None`).

        Raises:
            ReadTimeout: no Pong came in time.
            BaseException: no Pong will come any more; the error of `finish`.
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
        """Let reads raise the error that `end` makes, after the Pongs that have arrived."""
        self._end = end
        for reader in self._readers:
            if not reader.done():
                reader.set_exception(end())
        self._readers.clear()

    def fail(self, end: Callable[[], BaseException]) -> None:
        """Let unanswered Pings fail with the error that `end` makes."""
        for _, answer, _ in self._pending:
            if not answer.done():
                answer.set_exception(end())
                # Marks the exception as retrieved: asyncio must not log it if nobody awaits it.
                answer.exception()
        self._pending.clear()

    def _forget_given_up(self) -> None:
        """Forget the Pings that nobody waits for; a peer may never answer them."""
        self._pending = [ping for ping in self._pending if not ping[1].done()]
        self._many = max(MANY_PINGS, 2 * len(self._pending))

    def _hand_over(self, payload: bytes) -> None:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(payload)
                return
        self._pongs.append(payload)

    def _give_back(self, reader: asyncio.Future[bytes]) -> None:
        """Remove a reader that stops waiting; a Pong that it got goes to the next reader."""
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
