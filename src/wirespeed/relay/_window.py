"""The way into a sink: in order, a bounded number at a time, and again until it is acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, TypeAlias

from ._record import Record, Rejected

Publish: TypeAlias = Callable[[Record], Awaitable["asyncio.Future[Any] | None"]]

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

_logger: Final = logging.getLogger("wirespeed.relay")


@dataclass(order=True, slots=True)
class _Sending:
    """A record under way; `number` is its place in the order."""

    number: int
    record: Record = field(compare=False)
    progress: Progress = field(compare=False)


@dataclass(slots=True)
class Progress:
    """What became of the records of one feed.

    Attributes:
        published: acknowledged by the sink.
        published_bytes: bytes of these messages.
        rejected: refused by the sink for good.
        repeated: times that a record was sent again.
        unacknowledged: sent, or to be sent again, and not acknowledged yet.
        delay: seconds from the arrival of the last acknowledged message to its acknowledgement.
    """

    published: int = 0
    published_bytes: int = 0
    rejected: int = 0
    repeated: int = 0
    unacknowledged: int = 0
    delay: float = 0.0


class Window:
    """Sends records to a sink; at most `size` of them are not acknowledged.

    When a record fails, or is not acknowledged within `timeout` seconds, it and all that are not
    acknowledged yet are sent again, in their order and before any new one. The first of them goes
    alone, until it is acknowledged. So a sink may get a record twice, and a sink that knows records
    by their id gets them in order, unless it refuses one and stores one that was sent after it.

    Args:
        publish: sends a record. Its result is `None` once the record is stored, or a future that
            is done when it is. Raising `Rejected` drops the record, any other error repeats it.
        size: how many records may be unacknowledged.
        timeout: seconds to wait for an acknowledgement.
        now: the wall clock, in seconds since 1970.
    """

    def __init__(
        self, publish: Publish, size: int, timeout: float, now: Callable[[], float]
    ) -> None:
        self._publish = publish
        self._timeout = timeout
        self._now = now
        self._free = size
        self._has_room = asyncio.Event()
        self._has_room.set()
        # Callers of `reserve` that wait.
        self._in_line = 0
        self._numbers = count()
        # With the time at which each is late. In the order in which they were sent, so the first
        # one is the oldest.
        self._sent: dict[asyncio.Future[Any], float] = {}
        # A heap of records to send again, and of new ones that wait behind them.
        self._waiting: list[_Sending] = []
        self._may_send = True
        self._has_failed = False
        self._has_ended = False
        # Calls of `publish` that have not come back.
        self._calls = 0
        self._no_calls = asyncio.Event()
        self._no_calls.set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._count = 0
        self._repeating: asyncio.Task[None] | None = None
        self._expiring: asyncio.TimerHandle | None = None

    async def reserve(self) -> None:
        """Wait until there is room for one more record, which `put` then uses.

        Cancelling it reserves nothing.
        """
        self._in_line += 1
        try:
            while not self._free:
                self._has_room.clear()
                await self._has_room.wait()
        finally:
            self._in_line -= 1
        self._free -= 1

    def try_reserve(self) -> bool:
        """Reserve if there is room, and nobody waits for it; return whether it did."""
        if not self._free or self._in_line:
            return False
        self._free -= 1
        return True

    def release(self) -> None:
        """Give the room back that `reserve` or `try_reserve` got."""
        self._free += 1
        self._has_room.set()

    async def put(self, record: Record, progress: Progress) -> None:
        """Send a record for which there is room.

        If it is cancelled, the record is sent nevertheless.
        """
        sending = _Sending(next(self._numbers), record, progress)
        self._count += 1
        progress.unacknowledged += 1
        self._is_empty.clear()
        if self._may_send:
            await self._send(sending)
        else:
            heappush(self._waiting, sending)

    async def drain(self, seconds: float) -> int:
        """Wait for the acknowledgements, and return how many are missing after so many seconds.

        Nothing is sent any more afterwards.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()
        except TimeoutError:
            pass
        finally:
            self._has_ended = True
            if self._expiring is not None:
                self._expiring.cancel()
            if self._repeating is not None:
                self._repeating.cancel()
        return self._count

    async def _send(self, sending: _Sending) -> None:
        self._calls += 1
        self._no_calls.clear()
        try:
            future = await self._publish(sending.record)
        except Rejected as exc:
            self._reject(sending, exc)
        except asyncio.CancelledError:
            self._repeat(sending)
            raise
        except Exception as exc:  # whatever a sink raises
            self._fail(sending, exc)
        else:
            if future is None:
                self._acknowledge(sending)
                return
            self._sent[future] = asyncio.get_running_loop().time() + self._timeout
            future.add_done_callback(partial(self._settle, sending))
            self._expire_later()
        finally:
            self._calls -= 1
            if not self._calls:
                self._no_calls.set()

    def _settle(self, sending: _Sending, future: asyncio.Future[Any]) -> None:
        del self._sent[future]
        if future.cancelled():
            error: BaseException | None = TimeoutError("no acknowledgement came in time")
        else:
            error = future.exception()
        if error is None:
            self._acknowledge(sending)
        elif isinstance(error, Rejected):
            self._reject(sending, error)
        else:
            self._fail(sending, error)

    def _acknowledge(self, sending: _Sending) -> None:
        progress = sending.progress
        progress.published += 1
        progress.published_bytes += len(sending.record.data)
        progress.delay = self._now() - sending.record.received_at
        self._finish(progress)

    def _reject(self, sending: _Sending, error: BaseException) -> None:
        record = sending.record
        sending.progress.rejected += 1
        _logger.error(
            "feed %s: the sink refuses message %d of connection %s: %s",
            *(record.feed, record.sequence, record.connection, error),
        )
        self._finish(sending.progress)

    def _finish(self, progress: Progress) -> None:
        progress.unacknowledged -= 1
        self._count -= 1
        self.release()
        if not self._count:
            self._is_empty.set()

    def _fail(self, sending: _Sending, error: BaseException) -> None:
        if self._may_send:
            _logger.warning("publishing fails, and is tried again: %s", str(error) or repr(error))
        sending.progress.repeated += 1
        self._repeat(sending)

    def _repeat(self, sending: _Sending) -> None:
        """Send the record again, after a pause; new ones wait."""
        self._may_send = False
        self._has_failed = True
        heappush(self._waiting, sending)
        if self._repeating is None and not self._has_ended:
            self._repeating = asyncio.create_task(self._send_again())

    async def _send_again(self) -> None:
        pause = _FIRST_PAUSE
        while self._waiting:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            await self._settle_all()
            await self._send_waiting()
        self._repeating = None
        self._may_send = True

    async def _send_waiting(self) -> None:
        """Send what waits, until something fails."""
        self._has_failed = False
        is_first = True
        while self._waiting and not self._has_failed:
            await self._send(heappop(self._waiting))
            if is_first and self._sent:
                await asyncio.wait(list(self._sent))
            is_first = False

    async def _settle_all(self) -> None:
        """Give up the acknowledgements that are still missing, so that all are sent in order."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._no_calls.wait()
        sent = list(self._sent)
        for future in sent:
            future.cancel()
        if sent:
            # Their callbacks, which come first, have been called then.
            await asyncio.wait(sent)

    def _expire_later(self) -> None:
        if self._expiring is None:
            deadline = next(iter(self._sent.values()))
            self._expiring = asyncio.get_running_loop().call_at(deadline, self._expire)

    def _expire(self) -> None:
        """Cancel the acknowledgements that are late."""
        self._expiring = None
        now = asyncio.get_running_loop().time()
        for future in [future for future, deadline in self._sent.items() if deadline <= now]:
            future.cancel()
        if any(not future.done() for future in self._sent):
            self._expire_later()
