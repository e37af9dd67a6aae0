"""Many consumers of one connection, each at its own speed.

Usage: `with broadcast.subscribe(maxsize=9) as messages: async for message in messages: ...` in each
consumer, and `await broadcast.run(ws)` in a task of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Overflow = Literal["drop_oldest", "drop_newest", "end"]


class TooSlow(Exception):
    """The consumer was too slow, and its `overflow` is "end"."""


class Subscription(Generic[T]):
    """One consumer's messages: an asynchronous iterator for one task.

    Attributes:
        missed: how many messages had no room in the queue.
    """

    def __init__(self, maxsize: int, overflow: Overflow) -> None:
        self.missed = 0
        self._maxsize = maxsize
        self._overflow = overflow
        self._queue: deque[T] = deque()
        self._news = asyncio.Event()
        self._end: BaseException | None = None

    def put(self, message: T) -> None:
        """Take a message, or act as `overflow` says."""
        if self._end is not None:
            return
        if len(self._queue) >= self._maxsize:
            self.missed += 1
            if self._overflow == "drop_newest":
                return
            if self._overflow == "end":
                self.finish(TooSlow(f"more than {self._maxsize} messages waited"))
                return
            self._queue.popleft()
        self._queue.append(message)
        self._news.set()

    def finish(self, end: BaseException) -> None:
        """Let the iteration raise `end` after the messages that wait."""
        if self._end is None:
            self._end = end
            self._news.set()

    def __aiter__(self) -> Subscription[T]:
        return self

    async def __anext__(self) -> T:
        while not self._queue:
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        return self._queue.popleft()


class Broadcast(Generic[T]):
    """Hands each message to all subscriptions, and never waits for any of them."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription[T]] = set()

    @contextmanager
    def subscribe(
        self, *, maxsize: int = 1000, overflow: Overflow = "drop_oldest"
    ) -> Iterator[Subscription[T]]:
        """Subscribe from now on until the end of the block.

        Args:
            maxsize: how many messages may wait for this consumer.
            overflow: what happens if more wait: the oldest or the new one is dropped, or the
                iteration ends with `TooSlow`. `missed` counts them in any case.
        """
        if maxsize < 1:
            raise ValueError(f"maxsize must be 1 or more, not {maxsize}")
        subscription: Subscription[T] = Subscription(maxsize, overflow)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def run(self, messages: AsyncIterable[T]) -> None:
        """Hand out the messages of a connection, `ws` or `ws.json(type=...)`, until it ends.

        All iterations end with it, and raise what it raises.
        """
        end: BaseException = StopAsyncIteration()
        since_turn = 0
        try:
            async for message in messages:
                for subscription in list(self._subscriptions):
                    subscription.put(message)
                since_turn += 1
                # Messages that have arrived already do not suspend this task. A consumer that
                # keeps up must have its turn before its queue is full.
                if since_turn >= min((one._maxsize for one in self._subscriptions), default=1000):
                    since_turn = 0
                    await asyncio.sleep(0)
        except BaseException as exc:
            end = exc
            raise
        finally:
            for subscription in self._subscriptions:
                subscription.finish(end)
