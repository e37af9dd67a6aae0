"""Conflation: a queued message is replaced by a newer one with the same key.

Does not limit the queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from ..waiter import raise_later
from .inbox import Inbox


class Conflation:
    """The keys of the queued messages, from the front.

    It is not notified when messages leave the queue at its front. The queue's length shows how
    many have left.

    Args:
        inbox: the queue.
        key_of: returns the key of a message; `None` to never replace it.
    """

    def __init__(self, inbox: Inbox, key_of: Callable[[Any], Hashable]) -> None:
        self._inbox = inbox
        self._key_of = key_of
        self._keys: deque[Any] = deque()
        # Entries are numbered in their order in the queue; this is the number of the first.
        self._first = 0
        # The number of the last entry of each key.
        self._numbers: dict[Any, int] = {}
        # Whether `key_of` is running, and whether a read happened inside it.
        self._is_finding_keys = False
        self._is_stale = False

    def merge(self, fresh: int) -> list[Any]:
        """Let the last `fresh` entries replace older entries with the same keys.

        Returns:
            The entries that were replaced.
        """
        inbox = self._inbox
        if self._is_finding_keys:
            self._is_stale = True
            return []
        count = inbox.count()
        keys = self._find_keys(inbox.last(fresh))
        if self._is_stale or inbox.count() != count:
            # `key_of` has read or received: all queued messages are fresh again.
            self._keys.clear()
            self._numbers.clear()
            inbox.make_fresh()
            return []
        self._forget_first(len(self._keys) - (count - fresh))
        # At least as many messages as are set aside for receives must remain queued.
        room = inbox.available()
        replaced = []
        for key, entry in zip(keys, inbox.cut_last(fresh), strict=True):
            number = None if key is None or room <= 0 else self._numbers.get(key)
            if number is None:
                self._append(key, entry)
            else:
                replaced.append(inbox.replace(number - self._first, entry))
                room -= 1
        return replaced

    def _find_keys(self, entries: list[Any]) -> list[Any]:
        self._is_stale = False
        self._is_finding_keys = True
        keys = [self._key(entry) for entry in entries]
        self._is_finding_keys = False
        return keys

    def forget_last(self, count: int) -> None:
        """Forget the last `count` entries, which are about to be dropped."""
        for _ in range(min(count, len(self._keys))):
            key = self._keys.pop()
            self._forget(key, self._first + len(self._keys))

    def _forget_first(self, count: int) -> None:
        for _ in range(count):
            self._forget(self._keys.popleft(), self._first)
            self._first += 1

    def _forget(self, key: Any, number: int) -> None:
        if key is not None and self._numbers.get(key) == number:
            del self._numbers[key]

    def _append(self, key: Any, entry: Any) -> None:
        if key is not None:
            self._numbers[key] = self._first + len(self._keys)
        self._keys.append(key)
        self._inbox.append(entry)

    def _key(self, entry: Any) -> Hashable:
        inbox = self._inbox
        try:
            key = self._key_of(inbox.message_of(entry))
            hash(key)
        except Exception as exc:
            inbox._loop.call_exception_handler({"message": "conflate failed", "exception": exc})
            return None
        except BaseException as exc:
            raise_later(inbox._loop, exc)
            return None
        return key
