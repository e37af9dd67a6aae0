"""What waits while a message leaves over time: messages, other such streams, and tasks.

Must not know of frames or transports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..waiter import Waiter, suspend

if TYPE_CHECKING:
    from ..._codec.contract import Payload

# Opcode, payload or payloads of the fragments, and whether to compress.
HeldMessage: TypeAlias = "tuple[int, Payload | list[bytes], bool | None]"


class HeldSends:
    """Streams, first come first served, and what must not leave while the first has begun.

    Nobody may send a data frame between two fragments of a message (RFC 6455 section 5.4).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._line: list[Any] = []
        # Whether the first in line has begun.
        self._is_holding = False
        # The task that it runs in: that one must not wait for its own end.
        self._owner: asyncio.Task[Any] | None = None
        self._messages: list[HeldMessage] = []
        self._bytes = 0
        # Counts those who were the first, and have left.
        self._left = 0
        self._waiters: list[Waiter] = []
        self._refusal: Callable[[], BaseException] | None = None

    def stand_in_line(self, stream: Any) -> bool:
        """Put a stream in line, unless it is; tell whether it is the first.

        Raises:
            RuntimeError: it would wait for the very task that it runs in.
        """
        if stream not in self._line:
            if self.is_own():
                raise RuntimeError("a stream cannot be sent from inside the iterable of another")
            self._line.append(stream)
        return self._line[0] is stream

    def begin(self) -> None:
        """Hold messages from now on: the first in line begins."""
        self._is_holding = True
        self._owner = asyncio.current_task(self._loop)

    def is_own(self) -> bool:
        """Whether this is the task of the stream that has begun."""
        return self._owner is not None and self._owner is asyncio.current_task(self._loop)

    def leave(self, stream: Any) -> None:
        """Let a stream go that has ended, or was never begun."""
        if stream not in self._line:
            return
        was_first = self._line[0] is stream
        self._line.remove(stream)
        if was_first:
            self._is_holding = False
            self._owner = None
            self._left += 1
            self._wake()

    def add(self, opcode: int, payload: Any, compress: bool | None, size: int) -> None:
        """Hold a message of `size` bytes; nobody may change its payload any more."""
        self._messages.append((opcode, payload, compress))
        self._bytes += size

    def take(self) -> list[HeldMessage]:
        """Hand over what is held up to now, in order."""
        messages = self._messages
        self._messages = []
        self._bytes = 0
        return messages

    def refuse(self, refusal: Callable[[], BaseException]) -> None:
        """Let all who wait end with the error that `refusal` makes: nothing leaves any more."""
        self._refusal = refusal
        self._owner = None
        self._wake()

    def wait(self) -> Waiter:
        """Return what is woken when the first in line has left.

        Raises:
            BaseException: nothing leaves any more.
        """
        if self._refusal is not None:
            raise self._refusal()
        waiter = suspend(self._loop)
        self._waiters.append(waiter)
        return waiter

    def forget(self, waiter: Waiter) -> None:
        """Drop a waiter."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        """Resume all in order, but not here: whoever calls has more to do."""
        waiters = self._waiters
        self._waiters = []
        for waiter in waiters:
            if not waiter.done():
                waiter.wake_later()
