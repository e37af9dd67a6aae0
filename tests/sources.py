"""Asynchronous iterables whose items the test gives, one by one.

Must not know who asks for them.
"""

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
        on_close: called when that begins.
    """

    def __init__(self, *items: Any) -> None:
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self.asked = 0
        self.closed = 0
        self.on_close: Callable[[], object] | None = None
        self.give(*items)

    def give(self, *items: Any) -> Self:
        """Add items; an exception is raised in its turn."""
        for item in items:
            self._items.put_nowait(item)
        return self

    def end(self) -> Self:
        """Let the iteration end after the items that were given."""
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
        """Count, as what is really closed would notice."""
        if self.on_close is not None:
            self.on_close()
        await asyncio.sleep(0)
        self.closed += 1


def finished(*items: Any) -> Source:
    """Make a source that gives `items` and ends."""
    return Source(*items).end()
