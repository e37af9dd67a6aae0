"""Asynchronous iterables whose items the test supplies one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Self

_END: Final = StopAsyncIteration()


class Source:
    """An asynchronous iterator.

    Attributes:
        asked: how many items were asked for.
        closed: how often it was closed.
        on_close: called when closing begins.
    """

    def __init__(self, *items: Any) -> None:
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self.asked = 0
        self.closed = 0
        self.on_close: Callable[[], object] | None = None
        self.give(*items)

    def give(self, *items: Any) -> Self:
        """Add items. An exception among them is raised in its turn."""
        for item in items:
            self._items.put_nowait(item)
        return self

    def end(self) -> Self:
        """End the iteration after the items that were added."""
        return self.give(_END)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self.asked += 1
        item = await self._items.get()
        if isinstance(item, BaseException):
            raise item
        return item

    async def aclose(self) -> None:
        """Count the close after one turn of the loop: an unfinished close does not count."""
        if self.on_close is not None:
            self.on_close()
        await asyncio.sleep(0)
        self.closed += 1


def finished(*items: Any) -> Source:
    """Return a source that yields `items` and ends."""
    return Source(*items).end()
