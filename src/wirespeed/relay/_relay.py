"""Many feeds into one sink, in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final

from ._feed import Feed
from ._receiving import FeedStatus, Receiving
from ._window import Publish, Window

DEFAULT_WINDOW: Final = 1000
DEFAULT_TIMEOUT: Final = 10.0


class Relay:
    """Receives feeds, and publishes every message to a sink until the sink acknowledges it.

    A message that is neither acknowledged nor rejected is sent again. While the sink has not
    acknowledged `window` messages, nothing more is taken from the feeds: they fill their queues,
    and then follow their overflow policies. What the server sent while no connection was open is
    lost; `Record.connection` changes there.

    Args:
        feeds: the feeds. `standby` is not looked at: two processes, each with a relay, receive the
            same feed twice.
        publish: an async function that sends a `Record`. It returns `None` once the record is
            stored, or a future that is done when it is. It raises `Rejected` for a record that
            can never be stored; any other error is repeated.
        window: how many messages may be unacknowledged, of all feeds together.
        timeout: seconds to wait for an acknowledgement before a message is sent again, and for
            the last ones in the end.

    Attributes:
        missing: how many messages that had arrived were not acknowledged when `run` ended.

    Raises:
        ValueError: there are no feeds, two have the same name, or a number is not above 0.
    """

    def __init__(
        self,
        feeds: Iterable[Feed],
        publish: Publish,
        *,
        window: int = DEFAULT_WINDOW,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        feeds = tuple(feeds)
        if len({feed.name for feed in feeds}) < len(feeds):
            raise ValueError("two feeds have the same name")
        if window < 1:
            raise ValueError(f"window must be 1 or more, not {window!r}")
        if not timeout > 0:
            raise ValueError(f"timeout must be more than 0 seconds, not {timeout!r}")
        self.missing = 0
        self._timeout = timeout
        self._window = Window(publish, window, timeout, time.time)
        self._feeds = [Receiving(feed, self._window) for feed in feeds]
        if not self._feeds:
            raise ValueError("there are no feeds")

    async def run(self) -> None:
        """Relay until it is cancelled, or no feed can be connected any more.

        A feed that cannot be connected any more does not end the others. In the end, what is
        queued is still published; that, closing the connections, and the missing acknowledgements
        have `timeout` seconds in all.

        Raises:
            ExceptionGroup: all feeds have ended; with the error of each.
        """
        tasks = [asyncio.create_task(feed.run()) for feed in self._feeds]
        try:
            await asyncio.wait(tasks)
        finally:
            results = await self._stop(tasks)
        raise ExceptionGroup(
            "no feed can be connected", [each for each in results if isinstance(each, Exception)]
        )

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> list[BaseException | None]:
        """Let the tasks publish what is queued, and wait for the acknowledgements."""
        deadline = time.monotonic() + self._timeout
        for task in tasks:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=self._timeout)
        for task in late:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        missing = await self._window.drain(max(deadline - time.monotonic(), 0.0))
        self.missing = missing + sum(feed.unsent for feed in self._feeds)
        return results

    def status(self) -> list[FeedStatus]:
        """Return the figures of each feed."""
        return [feed.status() for feed in self._feeds]
