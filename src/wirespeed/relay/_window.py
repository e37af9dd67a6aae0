"""The way into a sink: in order, a bounded number at a time, and again until it is acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from ._record import Record, Rejected

Publish: TypeAlias = Callable[[Record], Awaitable["asyncio.Future[Any] | None"]]

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

_logger: Final = logging.getLogger("wirespeed.relay")


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

    A record that failed, or is not acknowledged within `timeout` seconds, is sent again, before
    any new one. So a sink gets records in order until one fails; after that, a record may come a
    second time, and later than its successors.

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
        self._room = asyncio.Semaphore(size)
        # In the order in which they were sent, so the first one is the oldest.
        self._sent: dict[asyncio.Future[Any], float] = {}
        self._failed: deque[tuple[Record, Progress]] = deque()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._count = 0
        self._repeating: asyncio.Task[None] | None = None
        self._expiring: asyncio.TimerHandle | None = None

    async def reserve(self) -> None:
        """Wait until there is room for one more record, which `put` then uses.

        Cancelling it reserves nothing.
        """
        await self._room.acquire()

    def release(self) -> None:
        """Give the room back that `reserve` got."""
        self._room.release()

    async def put(self, record: Record, progress: Progress) -> None:
        """Send a record for which there is room.

        If it is cancelled, the record is sent nevertheless.
        """
        self._count += 1
        progress.unacknowledged += 1
        self._is_empty.clear()
        if self._may_send.is_set():
            await self._send(record, progress)
        else:
            self._repeat(record, progress)

    async def drain(self, timeout: float) -> int:
        """Wait for the acknowledgements, and return how many are missing after `timeout` seconds.

        Nothing is sent any more afterwards.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._is_empty.wait()
        except TimeoutError:
            pass
        finally:
            if self._expiring is not None:
                self._expiring.cancel()
            if self._repeating is not None:
                self._repeating.cancel()
        return self._count

    async def _send(self, record: Record, progress: Progress) -> None:
        try:
            future = await self._publish(record)
        except Rejected as exc:
            self._reject(record, progress, exc)
        except asyncio.CancelledError:
            self._repeat(record, progress)
            raise
        except Exception as exc:  # noqa: BLE001  # whatever a sink raises
            self._fail(record, progress, exc)
        else:
            if future is None:
                self._acknowledge(record, progress)
                return
            self._sent[future] = asyncio.get_running_loop().time() + self._timeout
            future.add_done_callback(partial(self._settle, record, progress))
            self._expire_later()

    def _settle(
        self, record: Record, progress: Progress, future: asyncio.Future[Any]
    ) -> None:
        del self._sent[future]
        if future.cancelled():
            error: BaseException | None = TimeoutError("no acknowledgement came in time")
        else:
            error = future.exception()
        if error is None:
            self._acknowledge(record, progress)
        elif isinstance(error, Rejected):
            self._reject(record, progress, error)
        else:
            self._fail(record, progress, error)

    def _acknowledge(self, record: Record, progress: Progress) -> None:
        progress.published += 1
        progress.published_bytes += len(record.data)
        progress.delay = self._now() - record.received_at
        self._finish(progress)

    def _reject(self, record: Record, progress: Progress, error: BaseException) -> None:
        progress.rejected += 1
        _logger.error(
            "feed %s: the sink refuses message %d of connection %s: %s",
            *(record.feed, record.sequence, record.connection, error),
        )
        self._finish(progress)

    def _finish(self, progress: Progress) -> None:
        progress.unacknowledged -= 1
        self._count -= 1
        self._room.release()
        if not self._count:
            self._is_empty.set()

    def _fail(self, record: Record, progress: Progress, error: BaseException) -> None:
        if self._may_send.is_set():
            _logger.warning("publishing fails, and is tried again: %s", error or repr(error))
        self._repeat(record, progress)

    def _repeat(self, record: Record, progress: Progress) -> None:
        """Send the record again, after a pause; new ones wait."""
        self._may_send.clear()
        self._failed.append((record, progress))
        if self._repeating is None:
            self._repeating = asyncio.create_task(self._send_failed())

    async def _send_failed(self) -> None:
        pause = _FIRST_PAUSE
        while self._failed:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            for _ in range(len(self._failed)):
                record, progress = self._failed.popleft()
                progress.repeated += 1
                await self._send(record, progress)
            # Before new records follow, these are acknowledged, or fail again.
            if self._sent:
                await asyncio.wait(list(self._sent))
        self._repeating = None
        self._may_send.set()

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
