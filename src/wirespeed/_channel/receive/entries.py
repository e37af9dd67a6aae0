# cython: nonecheck=False
"""The queued entries of one connection, in the order of arrival, and how many of them are new."""

from __future__ import annotations

from typing import Any

from ..._codec.backend import total_length
from ..turn import Turn

# Taken entries are removed from the front of the list in blocks of at least this many.
COMPACT_AT = 1024


class Entries:
    """The entries that are queued.

    Args:
        turn: is told when none is left.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._queue: list[Any] = []
        self._head = 0
        # How many messages the last read brought, and how many arrived since the last check of
        # the bounds.
        self._added = 0
        self._fresh = 0
        # The most messages that were left queued after a read.
        self._deepest = 0

    def count(self) -> int:
        """Count the queued messages."""
        return len(self._queue) - self._head

    def _count_added(self, count: int) -> None:
        """Note how many messages a read has added."""
        self._added = count
        self._fresh += count

    def has_fresh(self) -> bool:
        """Whether messages are queued that arrived since the last check of the bounds."""
        if self._fresh > 0 and self.count() == 0:
            self._fresh = 0
        return self._fresh > 0

    def take_fresh(self) -> int:
        """Return how many messages `has_fresh` refers to, and count from 0 again."""
        fresh = min(self._fresh, self.count())
        self._fresh = 0
        return fresh

    def make_fresh(self) -> None:
        """Let the next check of the bounds include everything that is queued."""
        self._fresh = self.count()

    def count_last_read(self) -> int:
        """Count the messages of the last read that are still queued."""
        return min(self._added, self.count())

    def note_depth(self) -> None:
        """Update the maximum number of queued messages."""
        count = self.count()
        self._deepest = max(self._deepest, count)

    def bytes_of_last(self, count: int) -> int:
        """Add up the lengths of the last `count` messages, or of all if fewer are queued."""
        start = max(len(self._queue) - count, self._head)
        return total_length(self._queue, start)

    def last(self, count: int) -> list[Any]:
        """Return a copy of the last `count` entries."""
        return self._queue[len(self._queue) - count :]

    def at(self, position: int) -> Any:
        """Return a queued entry without taking it; position 0 is the next one."""
        return self._queue[self._head + position]

    def replace(self, position: int, entry: Any) -> Any:
        """Replace the entry at `position` with `entry`, and return the old one."""
        replaced = self._queue[self._head + position]
        self._queue[self._head + position] = entry
        return replaced

    def append(self, entry: Any) -> None:
        """Queue an entry that `cut_last` has removed."""
        self._queue.append(entry)

    def cut_first(self, count: int) -> list[Any]:
        """Remove the next `count` entries, and return them as they are queued."""
        entries = self._queue[self._head : self._head + count]
        self._advance(count)
        return entries

    def cut_last(self, count: int) -> list[Any]:
        """Remove the last `count` entries, and return them as they are queued."""
        start = len(self._queue) - count
        entries = self._queue[start:]
        del self._queue[start:]
        self._fresh = max(self._fresh - count, 0)
        return entries

    def _advance(self, count: int) -> None:
        """Remove the next `count` entries; without memory, none."""
        head = self._head + count
        size = len(self._queue)
        if head == size:
            self._queue = []
            self._head = 0
            self._turn.more_wait = False
        elif head >= COMPACT_AT and 2 * head >= size:
            del self._queue[:head]
            self._head = 0
        else:
            for index in range(self._head, head):
                self._queue[index] = None
            self._head = head

    def _remove_entry(self) -> Any:
        """Remove the next entry, and return it; there must be one."""
        index = self._head
        entry = self._queue[index]
        # The usual case first: as a call of `_advance`, it takes some 20 instructions more.
        if index + 1 < COMPACT_AT and index + 1 < len(self._queue):
            self._queue[index] = None
            self._head = index + 1
        else:
            self._advance(1)
        return entry

    def _restore(self, entry: Any) -> None:
        """Make an entry that was removed the next one again."""
        if self._head > 0:
            # No allocation, which could fail.
            self._head -= 1
            self._queue[self._head] = entry
        else:
            self._queue.insert(0, entry)
        self.make_fresh()
