"""A message that is received in chunks, as the program sees it. Public name: `MessageStream`.

Does not parse frames or read from transports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from threading import get_ident
from typing import Any, Self

from ..._base.rfc6455 import MessageType
from ..._base.threads import wrong_thread
from ..._codec.backend import use_send_slot
from ...exceptions import ReadTimeout
from ..waiter import Awaitable, Waiter, begin, suspend
from .inbox import Inbox, Receive
from .partial_message import Chunks, PartialMessage
from .receives import ReceiveMessage


class ReceiveChunk(Receive):
    """Takes the next chunk of a stream. Until the stream has a message, it waits for its turn."""

    # Keeps the stream alive while a task waits for a chunk.
    _stream: MessageStream
    _turn: Receive | None

    def _is_ready(self) -> bool:
        inbox: Inbox | None = self._source
        if inbox is None:
            raise RuntimeError("this receive has been awaited already")
        chunks = self._stream._chunks
        waiter = self._waiter
        if waiter is None and chunks.waiter is not None:
            raise RuntimeError("somebody waits for the next chunk of this stream already")
        expired = waiter is not None and waiter.expired
        chunks.partial.leave(chunks)
        if not chunks.is_served and not chunks.is_over:
            if waiter is None:
                chunks.partial.start(chunks)
            if not chunks.is_served and not self._has_turn(inbox, chunks):
                return False
        self._leave_queue()
        if chunks.has_chunk():
            return True
        if chunks.is_over or chunks.is_complete:
            end = StopAsyncIteration()
            chunks.is_over = True
            self._forget()
            raise end
        if inbox._end is not None:
            self._source = None
            # Not the end of the iteration: even a clean close cuts the message off.
            raise inbox.end_error(False)
        if expired or (self._timeout is not None and self._timeout <= 0):
            chunks.partial.give_back(chunks)
            self._forget()
            raise ReadTimeout(f"no chunk arrived within {self._timeout} seconds")
        return False

    def _has_turn(self, inbox: Inbox, chunks: Chunks) -> bool:
        """Take the next queued message, unless other receives came before."""
        turn = self._turn
        if turn is None:
            made: Any = inbox.receive(ReceiveMessage, False, self._timeout, 0)
            turn = self._turn = made
        self._waiter = None
        if not turn._is_ready():
            return False
        message = turn._hand_over()
        try:
            chunks.take_whole(message)
        except MemoryError:
            # It is left to the next receive.
            inbox.put_back(message)
            raise
        return True

    def _hand_over(self) -> Any:
        self._source = None
        return self._stream._chunks.pop()

    def _suspend(self, inbox: Inbox) -> Waiter:
        chunks = self._stream._chunks
        turn = self._turn
        if not chunks.is_served and turn is not None:
            waiter = turn._suspend(inbox)
            self._waiter = waiter
            try:
                chunks.partial.enter(chunks, turn)
            except BaseException:
                self._forget()
                raise
            return waiter
        waiter = suspend(inbox._loop)
        if self._timeout is not None:
            self._start_timer(inbox, waiter)
        chunks.partial.wait(chunks, waiter)
        self._waiter = waiter
        return waiter

    def _leave_queue(self) -> None:
        """Stop waiting; a turn that was not used stays in line."""
        waiter = self._waiter
        self._waiter = None
        if self._turn is not None and self._stream._chunks.is_served:
            self._turn._leave_queue()
        if waiter is not None and self._deadline is not None:
            self._stream._inbox.deadlines().discard(waiter)

    def _forget(self) -> None:
        if self._source is None:
            return
        self._source = None
        if self._waiter is not None:
            chunks = self._stream._chunks
            chunks.partial.leave(chunks)
            chunks.partial.give_back(chunks)
        self._leave_queue()
        if self._turn is not None:
            self._turn._forget()


use_send_slot(ReceiveChunk)


class MessageStream:
    """One message in chunks: `str` for text, `bytes` for binary. No chunk is empty.

    Iterate over it once. A chunk is the data of one socket read, of at most 256 KiB (characters,
    for text); a message that was already queued is one chunk, or as many as that takes. Text is cut
    only between characters; with `decode_text=False` it is `bytes` too.

    Once you have taken its first chunk, the message belongs to the stream. Until then, another
    receive may take it. The rest of the message is discarded as it arrives if you leave the
    iteration early, leave the `async with` block, call `aclose` or drop the stream.

    It belongs to the thread of its event loop. One task at a time may wait for a chunk.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        inbox: Inbox,
        partial: PartialMessage,
        timeout: float | None,
    ) -> None:
        self._loop = loop
        self._thread = get_ident()
        self._inbox = inbox
        self._chunks = Chunks(partial)
        self._timeout = timeout

    @property
    def type(self) -> MessageType | None:
        """The type of the message; `None` until a part of it, or its end, has arrived."""
        return self._chunks.type

    def __aiter__(self) -> MessageStream:
        return self

    def __anext__(self) -> Coroutine[Any, Any, str | bytes]:
        self._check_thread()
        return self._next()

    def _next(self) -> Awaitable:
        wait = ReceiveChunk.__new__(ReceiveChunk)
        wait._stream = self
        wait._turn = None
        return begin(wait, self._inbox, True, self._timeout, 0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Discard the rest of the message; never waits.

        For a task that waits for a chunk, the iteration ends. If no chunk was taken, the message is
        left to the next receive.
        """
        self._check_thread()
        self._chunks.drop()

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")

    def __del__(self) -> None:
        try:
            chunks = self._chunks
        except AttributeError:
            # `__init__` has failed, or was never called.
            return
        if chunks is not None:
            chunks.abandon(self._loop)

    def _check_thread(self) -> None:
        if get_ident() != self._thread:
            raise wrong_thread()
