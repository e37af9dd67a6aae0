"""Enforces the bounds of the receive queue: holds reading back, drops messages, or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..._base.queue_rules import Dropped, QueueRules
from ..._codec.backend import total_length
from ...exceptions import QueueOverflow
from ..waiter import raise_later
from .conflation import Conflation
from .inbox import Inbox
from .read_flow import ReadFlow


class Drops:
    """Counts dropped messages, and calls `on_drop` for each.

    Args:
        loop: its exception handler gets the exceptions of `on_drop`.
        on_drop: called with each message that is dropped, oldest first; `None` to call nothing.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_drop: Callable[[Any], object] | None
    ) -> None:
        self._loop = loop
        self._on_drop = on_drop
        self._messages = 0
        self._bytes = 0

    def counted(self) -> Dropped:
        """Return the counts."""
        return Dropped(self._messages, self._bytes)

    def add(self, inbox: Inbox, entries: list[Any]) -> None:
        """Count dropped entries of `inbox`, and report them; all state must be final."""
        self._messages += len(entries)
        self._bytes += total_length(entries, 0)
        if self._on_drop is not None:
            for entry in entries:
                self._tell(inbox.message_of(entry))

    def _tell(self, message: Any) -> None:
        try:
            if self._on_drop is not None:
                self._on_drop(message)
        except Exception as exc:
            self._loop.call_exception_handler({"message": "on_drop failed", "exception": exc})
        except BaseException as exc:
            raise_later(self._loop, exc)


class Bounds:
    """Holds reading back when the queue exceeds its bounds, until it is down to half of them.

    Counts only the messages that a read leaves queued after waiting receives were served.
    """

    def __init__(
        self, inbox: Inbox, read_flow: ReadFlow, drops: Drops, rules: QueueRules, name: str
    ) -> None:
        """Bound a queue.

        Args:
            inbox: the queue.
            read_flow: pauses and resumes reading.
            drops: counts dropped messages.
            rules: the bounds.
            name: the rule that limits the number of messages; if it is `None`, `max_queue` does.
        """
        own = getattr(rules, name)
        self._inbox = inbox
        self._read_flow = read_flow
        self._drops = drops
        self._name = name
        self._max_messages: int | None = rules.max_queue if own is None else own
        self._max_bytes = rules.max_queue_bytes
        self._conflation: Conflation | None = None
        if rules.conflate is not None:
            self._conflation = Conflation(inbox, rules.conflate)
        # At least the number of queued bytes: taken messages are subtracted only near the bound.
        self._bytes = 0
        self._is_holding = False
        self._is_finished = False
        self._has_discarded = False

    def apply(self, is_ending: bool) -> QueueOverflow | None:
        """Apply the bounds to what reads have left queued; all state must be final.

        Args:
            is_ending: whether a Close frame or a fault was already read.

        Returns:
            The error to fail the connection with, if any.
        """
        inbox = self._inbox
        fresh = inbox.take_fresh()
        if fresh == inbox.count():
            self._bytes = 0
        if not fresh:
            return None
        self._bytes += inbox.bytes_of_last(fresh)
        if self._conflation is not None:
            replaced = self._conflation.merge(fresh)
            if replaced:
                self._drop(replaced)
        if not self._is_over():
            return None
        if inbox._on_taken is None:
            self._count_bytes()
            if self._max_bytes is not None and 2 * self._bytes > self._max_bytes:
                # This near the bound, adding up all queued bytes at each read would be expensive.
                inbox._on_taken = self._after_taken
        return self._relieve(is_ending) if self._is_over() else None

    def _relieve(self, is_ending: bool) -> QueueOverflow | None:
        """Act on a queue that exceeds its bounds."""
        if not is_ending and not self._is_holding and not self._is_finished:
            self._is_holding = self._read_flow.hold_back()
            if self._is_holding:
                self._inbox._on_taken = self._after_taken
        return None

    def discard(self) -> None:
        """While closing: drop the messages of the last read if there is no room, and all later."""
        inbox = self._inbox
        added = inbox.count_last_read()
        if not self._has_discarded and added < inbox.count():
            self._count_bytes()
            self._has_discarded = self._is_over()
        if self._has_discarded and added:
            self._drop(inbox.cut_last(added))

    def finish(self) -> None:
        """Stop holding reading back: the connection is closing."""
        self._is_finished = True
        self._is_holding = False

    def _is_over(self) -> bool:
        return (self._max_messages is not None and self._inbox.count() > self._max_messages) or (
            self._max_bytes is not None and self._bytes > self._max_bytes
        )

    def _is_half_empty(self) -> bool:
        return (self._max_messages is None or 2 * self._inbox.count() <= self._max_messages) and (
            self._max_bytes is None or 2 * self._bytes <= self._max_bytes
        )

    def _count_bytes(self) -> None:
        self._bytes = self._inbox.bytes_of_last(self._inbox.count())

    def _after_taken(self, size: int) -> None:
        self._bytes -= size
        if self._is_half_empty():
            on_taken, self._inbox._on_taken = self._inbox._on_taken, None
            if self._is_holding:
                self._is_holding = False
                try:
                    self._read_flow.release()
                except BaseException:
                    # The next message that is taken tries again.
                    self._is_holding = True
                    self._bytes += size
                    self._inbox._on_taken = on_taken
                    raise

    def _drop(self, entries: list[Any]) -> None:
        self._bytes -= total_length(entries, 0)
        self._drops.add(self._inbox, entries)


class Dropping(Bounds):
    """Drops what exceeds the bounds; never holds reading back.

    Messages that are set aside for a woken receive are not dropped. Size alone never drops the only
    message in the queue.
    """

    def discard(self) -> None:
        """Do nothing: the same rules apply while closing."""

    def _relieve(self, is_ending: bool) -> QueueOverflow | None:
        count = self._count_over()
        if count:
            self._cut(count)
        return None

    def _count_over(self) -> int:
        """Count how many messages must be dropped."""
        inbox = self._inbox
        count = inbox.count()
        size = self._bytes
        dropped = 0
        most = inbox.available()
        while dropped < most and (
            (self._max_messages is not None and count - dropped > self._max_messages)
            or (self._max_bytes is not None and size > self._max_bytes and count - dropped > 1)
        ):
            size -= len(inbox.at(self._next_to_go(dropped, count)))
            dropped += 1
        return dropped

    def _next_to_go(self, dropped: int, count: int) -> int:
        raise NotImplementedError

    def _cut(self, count: int) -> None:
        raise NotImplementedError


class DropOldest(Dropping):
    """Drops the messages that have waited longest."""

    def _next_to_go(self, dropped: int, count: int) -> int:
        return dropped

    def _cut(self, count: int) -> None:
        self._drop(self._inbox.cut_first(count))


class DropNewest(Dropping):
    """Drops the messages that came last."""

    def _next_to_go(self, dropped: int, count: int) -> int:
        return count - dropped - 1

    def _cut(self, count: int) -> None:
        if self._conflation is not None:
            self._conflation.forget_last(count)
        self._drop(self._inbox.cut_last(count))


class CloseWhenFull(Bounds):
    """Fails the connection. Size alone never makes the only message in the queue too much."""

    def _relieve(self, is_ending: bool) -> QueueOverflow | None:
        count = self._inbox.count()
        if is_ending or self._is_finished:
            return None
        if self._max_messages is not None and count > self._max_messages:
            return QueueOverflow(
                f"{count} messages are queued, limit is {self._max_messages} ({self._name})"
            )
        if count > 1:
            return QueueOverflow(
                f"{self._bytes} bytes are queued, limit is {self._max_bytes} (max_queue_bytes)"
            )
        return None


_KINDS: dict[str, type[Bounds]] = {
    "pause": Bounds,
    "drop_oldest": DropOldest,
    "drop_newest": DropNewest,
    "close": CloseWhenFull,
}


def bound(
    inbox: Inbox, read_flow: ReadFlow, drops: Drops, rules: QueueRules, name: str = "max_queue"
) -> Bounds:
    """Make the kind of bounds that `rules.overflow` asks for; see `Bounds`."""
    return _KINDS[rules.overflow](inbox, read_flow, drops, rules, name)
