"""What waits while a stream is sent: messages, other streams, and tasks.

Does not build frames or write to transports.
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
    """The line of streams, first come first served, and the messages held while the first is sent.

    No data frame of another message may come between two fragments (RFC 6455 section 5.4).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._line: list[Any] = []
        # Whether the first in line has begun.
        self._is_holding = False
        # The task that sends it, which must not wait for its own end.
        self._owner: asyncio.Task[Any] | None = None
        self._messages: list[HeldMessage] = []
        self._bytes = 0
        # Counts the streams that were first in line and have left.
        self._left = 0
        self._waiters: list[Waiter] = []
        self._refusal: Callable[[], BaseException] | None = None

    def stand_in_line(self, stream: Any) -> bool:
        """Put a stream in line, unless it already is; return whether it is the first.

        Raises:
            RuntimeError: the stream would wait for the task that it runs in.
        """
        if stream not in self._line:
            if self.is_own():
                raise RuntimeError("a stream cannot be sent from inside the iterable of another")
            self._line.append(stream)
        return self._line[0] is stream

    def begin(self) -> None:
        """Hold messages from now on: the first stream in line begins."""
        self._is_holding = True
        self._owner = asyncio.current_task(self._loop)

    def is_own(self) -> bool:
        """Whether the current task sends the stream that has begun."""
        return self._owner is not None and self._owner is asyncio.current_task(self._loop)

    def leave(self, stream: Any) -> None:
        """Remove a stream that has ended, or was never begun."""
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
        """Hold a message of `size` bytes; its payload must not change any more."""
        self._messages.append((opcode, payload, compress))
        self._bytes += size

    def take(self) -> list[HeldMessage]:
        """Remove the messages held so far, and return them in order."""
        messages = self._messages
        self._messages = []
        self._bytes = 0
        return messages

    def refuse(self, refusal: Callable[[], BaseException]) -> None:
        """Let all waiting tasks raise the error that `refusal` makes: nothing is sent any more."""
        self._refusal = refusal
        self._owner = None
        self._wake()

    def wait(self) -> Waiter:
        """Return a waiter that is woken when the first stream in line has left.

        Raises:
            BaseException: nothing is sent any more; the error that `refusal` made.
        """
        if self._refusal is not None:
            raise self._refusal()
        waiter = suspend(self._loop)
        self._waiters.append(waiter)
        return waiter

    def forget(self, waiter: Waiter) -> None:
        """Remove a waiter whose task does not wait any more."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        """Resume all waiting tasks in order, but later: the caller has more to do first."""
        while self._waiters:
            waiter = self._waiters[0]
            if not waiter.done():
                waiter.wake_later()
            # Last, so that it cannot get lost.
            self._waiters.pop(0)
