"""The parent of the workers: starts them, starts them again, and adds up their figures."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, cast

from ._config import Settings
from ._receiving import FeedStatus
from ._window import Progress

# Exit status of a worker whose settings can never work.
UNUSABLE: Final = 2
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
# A worker that lived for so many seconds is started again after the first pause.
_LONG_LIFE: Final = 10.0
# Above this, a line of a worker is a mistake.
_LINE_LIMIT: Final = 1 << 24

_logger: Final = logging.getLogger("wirespeed.relay")


class Worker:
    """One worker process after the other, all with the same feeds."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._process: asyncio.subprocess.Process | None = None
        # By feed: the last figures of the running process, and the sums of those before.
        self._now: dict[str, FeedStatus] = {}
        self._before: dict[str, FeedStatus] = {}
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id; `None` while none runs."""
        return None if self._process is None else self._process.pid

    def status(self) -> list[FeedStatus]:
        """Return the figures of the worker's feeds, those of earlier processes included."""
        feeds = self._before | self._now
        return [add_up([self._before.get(name), self._now.get(name)]) for name in feeds]

    async def run(self) -> None:
        """Run until it is cancelled; then let the process end by itself, or kill it.

        Raises:
            ValueError: the settings can never work; the worker has told why.
        """
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = await self._run_once()
            if code == UNUSABLE:
                raise ValueError(f"worker {self._number} cannot go on")
            lived = time.monotonic() - began
            if lived >= _LONG_LIFE:
                pause = _FIRST_PAUSE
            _logger.warning(
                "worker %d ended with status %d after %.1f seconds, and is started again",
                *(self._number, code, lived),
            )
            self._before = {each.feed: _ended(each) for each in self.status()}
            self._now = {}
            self.restarts += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _run_once(self) -> int:
        from ._worker import encode_start  # noqa: PLC0415

        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"{__package__}._worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
        )
        self._process = process
        stdin = cast("asyncio.StreamWriter", process.stdin)
        stdout = cast("asyncio.StreamReader", process.stdout)
        try:
            stdin.write(encode_start(self._settings, self._number))
            async for line in stdout:
                # A worker that is killed may leave half a line.
                if line.endswith(b"\n"):
                    self._now = {each["feed"]: _status(each) for each in json.loads(line)}
            return await process.wait()
        except asyncio.CancelledError:
            stdin.close()
            await self._stop(process)
            raise
        finally:
            self._process = None

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(2 * self._settings.timeout):
                await process.wait()
        except TimeoutError:
            _logger.warning("worker %d does not end, and is killed", self._number)
            process.kill()
            await process.wait()


class Workers:
    """All workers of a relay.

    Args:
        settings: the settings of the relay.
    """

    def __init__(self, settings: Settings) -> None:
        self.workers = [Worker(settings, number) for number in range(settings.workers)]

    async def run(self) -> None:
        """Run until it is cancelled, or until the settings prove useless.

        Raises:
            ExceptionGroup: with a `ValueError` of each worker that cannot go on.
        """
        async with asyncio.TaskGroup() as group:
            for worker in self.workers:
                group.create_task(worker.run())

    @property
    def restarts(self) -> int:
        """How often workers were started again."""
        return sum(worker.restarts for worker in self.workers)

    def status(self) -> list[FeedStatus]:
        """Return the figures of each feed, over all workers."""
        found: dict[str, list[FeedStatus]] = {}
        for worker in self.workers:
            for status in worker.status():
                found.setdefault(status.feed, []).append(status)
        return [add_up(found[name]) for name in sorted(found)]


def add_up(statuses: Iterable[FeedStatus | None]) -> FeedStatus:
    """Add up the figures of one feed; the delay is the longest one."""
    each = [status for status in statuses if status is not None]
    progress = [status.progress for status in each]
    return FeedStatus(
        feed=each[0].feed,
        connected=any(status.connected for status in each),
        connections=sum(status.connections for status in each),
        messages=sum(status.messages for status in each),
        message_bytes=sum(status.message_bytes for status in each),
        dropped=sum(status.dropped for status in each),
        queued=sum(status.queued for status in each),
        error=next((status.error for status in each if status.error), ""),
        progress=Progress(
            published=sum(part.published for part in progress),
            published_bytes=sum(part.published_bytes for part in progress),
            rejected=sum(part.rejected for part in progress),
            repeated=sum(part.repeated for part in progress),
            unacknowledged=sum(part.unacknowledged for part in progress),
            delay=max(part.delay for part in progress),
        ),
    )


def _ended(status: FeedStatus) -> FeedStatus:
    """Return the figures of a feed whose process has ended."""
    progress = replace(status.progress, unacknowledged=0, delay=0.0)
    return replace(status, connected=False, queued=0, progress=progress)


def _status(read: dict[str, object]) -> FeedStatus:
    fields = dict(read)
    progress = Progress(**fields.pop("progress"))  # type: ignore[arg-type]
    return FeedStatus(progress=progress, **fields)  # type: ignore[arg-type]
