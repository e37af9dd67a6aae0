"""The message of which only a part has arrived: given away in chunks, or held back.

Must not know of transports, nor how a chunk is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from ..._base.rfc6455 import MessageType
from ..waiter import Waiter
from .inbox import Inbox, Receive
from .message import Message
from .read_flow import ReadFlow

if TYPE_CHECKING:
    from ..._codec import contract

_TEXT = MessageType.TEXT


class Chunks:
    """What has arrived of one message that is received in chunks, and was not received.

    Attributes:
        type: that of the message, `None` until something of it has arrived.
        turn: what stands in the line of receives until it is served.
        waiter: of who waits for the next chunk.
        is_served: whether a message is its own.
        is_touched: whether a chunk of it was taken.
        is_complete: whether the end of the message has arrived.
        is_over: whether nothing more is wanted.
        is_cut: whether what comes is lost because there is no room for it.
    """

    def __init__(self, partial: PartialMessage) -> None:
        self.partial = partial
        self.type: MessageType | None = None
        self.turn: Receive | None = None
        self.waiter: Waiter | None = None
        self.is_served = False
        self.is_touched = False
        self.is_complete = False
        self.is_over = False
        self.is_cut = False
        self._waiting: deque[Any] = deque()

    def has_chunk(self) -> bool:
        """Whether a chunk waits to be received."""
        return bool(self._waiting)

    def has_news(self) -> bool:
        """Whether who waits for a chunk needs to wait no more."""
        return self.is_complete or self.is_over or bool(self._waiting)

    def add(self, message: Message) -> None:
        """Take in a chunk; an empty one ends the message."""
        if self.is_over or self.is_cut:
            return
        self.type = message.type
        if message.data:
            self._waiting.append(message.data)
            self.partial.count(len(message.data))
        else:
            self.is_complete = True

    def take_whole(self, message: Message) -> None:
        """Take in a message that was queued."""
        self.is_served = True
        self.add(message)
        self.is_complete = True

    def pop(self) -> Any:
        """Take the next chunk; there must be one."""
        self.is_touched = True
        chunk = self._waiting.popleft()
        self.partial.count(-len(chunk))
        return chunk

    def drop(self) -> None:
        """Give up what waits, and what is still to come."""
        if self.is_over:
            return
        waiter = self.waiter
        self.partial.give_back(self)
        if not self.is_served:
            self.partial.leave(self)
        self.is_over = True
        self.partial.count(-sum(map(len, self.clear())))
        if waiter is not None and not waiter.done():
            waiter.wake()

    def clear(self) -> list[Any]:
        """Take all chunks; to count them is left to the caller, because that may read."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def restore(self, waiting: list[Any]) -> None:
        """Put back what `clear` has taken."""
        self._waiting.extend(waiting)

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop it soon: the garbage may be collected anywhere, in the midst of a read as well."""
        if self.is_served and not self.is_over:
            # A closed loop reads nothing.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.drop)


class PartialMessage:
    """The message that is arriving on one connection.

    It is put together in memory for the queue, unless a stream is the first in line while nothing
    is queued: then that gets it in chunks. What is put together while nobody waits, and the
    chunks that wait, are bounded: beyond that nothing is read.
    """

    def __init__(
        self,
        parser: contract.MessageParser,
        inbox: Inbox,
        read_flow: ReadFlow,
        max_waiting: int,
        max_assembled: int,
    ) -> None:
        """Begin with nothing.

        Args:
            parser: of the connection.
            inbox: its queue of whole messages.
            read_flow: what is held back.
            max_waiting: how many bytes (characters, for text) of chunks may wait.
            max_assembled: how many bytes of a message that nobody waits for.
        """
        self._parser = parser
        self._inbox = inbox
        self._read_flow = read_flow
        self._max_waiting = max_waiting
        self._max_assembled = max_assembled
        # Where the parser puts chunks while it gives the message so, and whose they are; nobody's
        # if the stream is over: then they are dropped.
        self._arrived: list[Any] = []
        self._is_streaming = False
        self._owner: Chunks | None = None
        # Who stands in the line of receives, and who waits for chunks of what is its own.
        self._line: list[Chunks] = []
        self._readers: list[Chunks] = []
        # The bytes (characters, for text) of all chunks that wait.
        self._size = 0
        # Counts the reads that brought chunks.
        self._progress = 0
        # For which of the two reasons reading is held back.
        self._holds_message = False
        self._holds_chunks = False
        self._is_finished = False

    def size(self) -> int:
        """Count the bytes (characters, for text) of the chunks that wait."""
        return self._size

    def progress(self) -> int:
        """Count the reads that brought chunks."""
        return self._progress

    # -- who wants it ------------------------------------------------------------------

    def start(self, chunks: Chunks) -> None:
        """Let a stream that does not wait yet have what is there of a message, if it may."""
        opcode = self._parser.message_opcode
        if opcode and self._may_stream() and self._inbox.first_waiter(opcode) is None:
            chunks.is_served = True
            self._stream_to(chunks)
            self.review(True)

    def enter(self, chunks: Chunks, turn: Receive) -> None:
        """Let a stream wait for its turn, which has begun to stand in line."""
        chunks.turn = turn
        chunks.waiter = turn._waiter
        self._line.append(chunks)
        self.review(False)

    def wait(self, chunks: Chunks, waiter: Waiter) -> None:
        """Let a stream wait for more of its message."""
        chunks.waiter = waiter
        self._readers.append(chunks)

    def leave(self, chunks: Chunks) -> None:
        """Let a stream wait no more; what is its own remains so."""
        chunks.turn = chunks.waiter = None
        if chunks in self._readers:
            self._readers.remove(chunks)
        if chunks in self._line:
            self._line.remove(chunks)
            self._listen()
        if self._owner is chunks and not chunks.is_served:
            self._stop_streaming([])

    def give_back(self, chunks: Chunks) -> None:
        """Leave a message of which a stream has taken nothing to the next receive."""
        if not chunks.is_served or chunks.is_touched or chunks.is_cut or chunks.is_over:
            return
        waiting: list[Any] = []
        if chunks.is_complete and chunks.type is not None:
            waiting = chunks.clear()
            is_text = chunks.type is _TEXT and self._inbox._decode_text
            empty: Any = "" if is_text else b""
            self._inbox.put_back(Message(chunks.type, empty.join(waiting)))
        elif self._owner is chunks:
            waiting = chunks.clear()
            if not self._stop_streaming(waiting):
                # Too large to be put together: nobody else can have it.
                chunks.restore(waiting)
                return
        else:
            return
        chunks.is_served = chunks.is_complete = False
        chunks.type = None
        self.count(-sum(map(len, waiting)))
        self._inbox.wake()

    def _stop_streaming(self, given: list[Any]) -> bool:
        if not self._parser.take_back(given):
            return False
        self._owner = None
        self._is_streaming = False
        return True

    def review(self, is_poll: bool) -> None:
        """Act on a change of those who wait, or on somebody who looked for a message in vain.

        It may read at once, and so wake anybody.
        """
        if self._holds_message and (is_poll or self._is_wanted()):
            self._holds_message = False
            self._read_flow.release()
        if self._line:
            self._offer()
        self._listen()

    def _is_wanted(self) -> bool:
        return self._inbox.first_waiter(self._parser.message_opcode) is not None

    def _may_stream(self) -> bool:
        """Tell whether the message at hand, or the next one, is the first that is not taken."""
        inbox = self._inbox
        return not self._is_streaming and inbox._end is None and inbox.count() == 0

    def _offer(self) -> None:
        """Give the message at hand, or else the next one, to a stream that is the first in line."""
        chunks = self._line[0]
        opcode = self._parser.message_opcode
        if not self._may_stream() or self._inbox.first_waiter(opcode) is not chunks.waiter:
            return
        if opcode:
            self._serve(chunks)
        self._stream_to(chunks)
        self.wake()

    def _serve(self, chunks: Chunks) -> None:
        """Let a stream that waits in line wait for chunks instead."""
        chunks.is_served = True
        self._line.remove(chunks)
        self._listen()
        self._readers.append(chunks)
        if chunks.turn is not None:
            self._inbox.leave_line(chunks.turn)

    def _stream_to(self, owner: Chunks | None) -> None:
        self._owner = owner
        self._is_streaming = True
        self._parser.stream(self._arrived)
        self._hand_on()

    def _listen(self) -> None:
        """Ask to be told of those who wait, if they make a difference."""
        self._inbox._on_wait = self.review if self._line or self._holds_message else None

    # -- what a read brings ------------------------------------------------------------

    def take_read(self) -> int:
        """Take what a read has brought in chunks; return how many messages have ended so."""
        if not self._is_streaming:
            return 0
        owner = self._owner
        if (
            owner is not None
            and not owner.is_served
            and (self._arrived or self._parser.message_opcode)
        ):
            self._serve(owner)
        return self._hand_on()

    def _hand_on(self) -> int:
        owner = self._owner
        ended = 0
        if self._arrived:
            self._progress += 1
            for chunk in self._arrived:
                if not len(chunk):
                    ended = 1
                if owner is not None:
                    owner.add(self._inbox.message_of(chunk))
            self._arrived.clear()
        if self._parser.chunks is None:
            # The message has ended, or nothing is parsed any more.
            self._is_streaming = False
            self._owner = None
        return ended

    def has_readers(self) -> bool:
        """Whether somebody waits for a chunk."""
        return bool(self._readers)

    def wake(self) -> None:
        """Wake those who wait for a chunk that is there, or all at the end."""
        for chunks in self._readers.copy():
            if chunks in self._readers and (chunks.has_news() or self._inbox._end is not None):
                self._readers.remove(chunks)
                waiter = chunks.waiter
                if waiter is not None and not waiter.done():
                    waiter.wake()

    # -- how much ----------------------------------------------------------------------

    def count(self, size: int) -> None:
        """Count what was added to the chunks that wait, or was taken."""
        self._size += size
        if self._holds_chunks and 2 * self._size <= self._max_waiting:
            self._holds_chunks = False
            self._read_flow.release()

    def bound(self) -> None:
        """Act on what those who waited have left of a read; all state must be final."""
        if self._size > self._max_waiting:
            if self._is_finished:
                if self._owner is not None:
                    self._owner.is_cut = True
            elif not self._holds_chunks:
                self._holds_chunks = self._read_flow.hold_back()
        if (
            self._parser.filled > self._max_assembled
            and not self._is_streaming
            and not self._is_wanted()
        ):
            self._bound_message()

    def _bound_message(self) -> None:
        if self._is_finished:
            # While closing what has no limit is dropped as it comes. The rest is put together: if
            # there is no room then, it is dropped as a whole, counted and told of.
            if not self._parser.limited:
                self._stream_to(None)
        elif not self._holds_message:
            self._holds_message = self._read_flow.hold_back()
            self._listen()

    def finish(self) -> None:
        """Let everything be read from now on: the connection is closing."""
        self._is_finished = True
        self._holds_message = False
        self._holds_chunks = False
