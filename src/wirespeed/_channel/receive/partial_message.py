"""The message of which only a part has arrived: received in chunks, or assembled within bounds.

Does not suspend tasks.
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


# The largest chunk, in bytes, or in characters of text. It is the size of the largest read.
CHUNK_SIZE = 256 * 1024


def chunks_of(data: Any) -> list[Any]:
    """Cut the data of a message into chunks that are not too large."""
    if len(data) <= CHUNK_SIZE:
        return [data]
    return [data[start : start + CHUNK_SIZE] for start in range(0, len(data), CHUNK_SIZE)]


class Chunks:
    """The chunks of one message that have arrived and were not received.

    Attributes:
        partial: the connection's partial message, which delivers the chunks.
        type: the type of the message; `None` until a part of it has arrived.
        turn: the receive that represents the stream in the line until the stream has a message.
        waiter: the waiter of the task that waits for the next chunk; `None` if no task waits.
        is_served: whether the stream has a message.
        is_touched: whether a chunk of it was taken.
        is_complete: whether the end of the message has arrived.
        is_over: whether the stream has ended, so that no more chunks are wanted.
        is_cut: whether further chunks are dropped because there is no room for them.
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
        """Whether a task that waits for a chunk can stop waiting."""
        return self.is_complete or self.is_over or bool(self._waiting)

    def add(self, message: Message) -> None:
        """Add a chunk; an empty one ends the message. If that fails, nothing is added."""
        if self.is_over or self.is_cut:
            return
        if message.data:
            self._extend(chunks_of(message.data))
            self.partial.count(len(message.data))
        else:
            self.is_complete = True
        self.type = message.type

    def _extend(self, chunks: list[Any]) -> None:
        before = len(self._waiting)
        try:
            self._waiting.extend(chunks)
        except MemoryError:
            while len(self._waiting) > before:
                self._waiting.pop()
            raise

    def take_whole(self, message: Message) -> None:
        """Add a whole message that was queued; if that fails, nothing is added."""
        self.add(message)
        self.is_served = True
        self.is_complete = True

    def pop(self) -> Any:
        """Take the next chunk; there must be one."""
        self.is_touched = True
        chunk = self._waiting[0]
        # It leaves last: counting may cause a read, which may fail.
        self.partial.count(-len(chunk))
        self._waiting.popleft()
        return chunk

    def drop(self) -> None:
        """End the stream: discard the waiting chunks and those still to come."""
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
        """Take all chunks. The caller must count them later, because counting may cause a read."""
        waiting = self.waiting()
        self._waiting.clear()
        return waiting

    def waiting(self) -> list[Any]:
        """Return all chunks without taking them."""
        return list(self._waiting)

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call `drop` soon. Not now: garbage collection can happen anywhere, also during a read."""
        if self.is_served and not self.is_over:
            # If the loop is closed, nothing is read any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.drop)


class PartialMessage:
    """The message that is arriving on one connection.

    It is assembled in memory for the queue. But if nothing is queued and a stream is the first in
    line, the stream gets it in chunks. Reading is held back while too many bytes wait in chunks, or
    too many were assembled of a message that no task waits for.
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
            parser: the connection's parser.
            inbox: the connection's queue of whole messages.
            read_flow: pauses and resumes reading.
            max_waiting: how many bytes (characters, for text) of chunks may wait.
            max_assembled: how many bytes may be assembled of a message that no task waits for.
        """
        self._parser = parser
        self._inbox = inbox
        self._read_flow = read_flow
        self._max_waiting = max_waiting
        self._max_assembled = max_assembled
        # The list that the parser appends chunks to while it streams the message, and the stream
        # that gets them. Without an owner they are dropped.
        self._arrived: list[Any] = []
        self._is_streaming = False
        self._owner: Chunks | None = None
        # The streams that wait in the line of receives, and those that wait for chunks of the
        # message that they have.
        self._line: list[Chunks] = []
        self._readers: list[Chunks] = []
        # The bytes (characters, for text) of all waiting chunks.
        self._size = 0
        # Counts the reads that brought chunks.
        self._progress = 0
        # Which of the two reasons hold reading back.
        self._holds_message = False
        self._holds_chunks = False
        self._is_finished = False

    def size(self) -> int:
        """Return the bytes (characters, for text) of the waiting chunks."""
        return self._size

    def progress(self) -> int:
        """Return the number of reads that brought chunks."""
        return self._progress

    # -- streams -----------------------------------------------------------------------

    def start(self, chunks: Chunks) -> None:
        """Give the unfinished message to a stream that does not wait yet, if it is its turn."""
        opcode = self._parser.message_opcode
        if opcode and self._may_stream() and self._inbox.first_waiter(opcode) is None:
            chunks.is_served = True
            self._stream_to(chunks)
            self.review(True)

    def enter(self, chunks: Chunks, turn: Receive) -> None:
        """Let a stream wait for its turn: the receive `turn` has joined the line."""
        self._line.append(chunks)
        chunks.turn = turn
        chunks.waiter = turn._waiter
        self.review(False)

    def wait(self, chunks: Chunks, waiter: Waiter) -> None:
        """Let a stream wait for more of its message."""
        self._readers.append(chunks)
        chunks.waiter = waiter

    def leave(self, chunks: Chunks) -> None:
        """Stop the wait of a stream; it keeps a message that it has."""
        chunks.turn = chunks.waiter = None
        if chunks in self._readers:
            self._readers.remove(chunks)
        if chunks in self._line:
            self._line.remove(chunks)
            self._listen()
        if self._owner is chunks and not chunks.is_served:
            self._stop_streaming([])

    def give_back(self, chunks: Chunks) -> None:
        """Return a message of which the stream has taken no chunk, for the next receive."""
        if not chunks.is_served or chunks.is_touched or chunks.is_cut or chunks.is_over:
            return
        waiting: list[Any] = []
        if chunks.is_complete and chunks.type is not None:
            is_text = chunks.type is _TEXT and self._inbox._decode_text
            empty: Any = "" if is_text else b""
            self._inbox.put_back(Message(chunks.type, empty.join(chunks.waiting())))
            waiting = chunks.clear()
        elif self._owner is chunks:
            if not self._stop_streaming(chunks.waiting()):
                # Too large to be assembled: no other receive can take it.
                return
            waiting = chunks.clear()
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
        """Act on a change of the waiting receives, or on a call that found no message.

        It may read at once, and so wake any task.

        Args:
            is_poll: whether a call that does not wait has found no message.
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
        """Return whether the unfinished message, or else the next, is the first not yet taken."""
        inbox = self._inbox
        return not self._is_streaming and inbox._end is None and inbox.count() == 0

    def _offer(self) -> None:
        """Give the unfinished message, or else the next, to a stream that is the first in line."""
        chunks = self._line[0]
        opcode = self._parser.message_opcode
        if not self._may_stream() or self._inbox.first_waiter(opcode) is not chunks.waiter:
            return
        if opcode:
            self._serve(chunks)
        self._stream_to(chunks)
        self.wake()

    def _serve(self, chunks: Chunks) -> None:
        """Let a stream that waits in line wait for chunks instead; if it fails, call it again."""
        if chunks not in self._readers:
            self._readers.append(chunks)
        if chunks in self._line:
            self._line.remove(chunks)
        self._listen()
        if chunks.turn is not None:
            self._inbox.leave_line(chunks.turn)
        chunks.is_served = True

    def _stream_to(self, owner: Chunks | None) -> None:
        self._owner = owner
        self._is_streaming = True
        self._parser.stream(self._arrived)
        self._hand_on()

    def _listen(self) -> None:
        """Ask the inbox to report changes of the waiting receives, while they matter."""
        self._inbox._on_wait = self.review if self._line or self._holds_message else None

    # -- socket reads ------------------------------------------------------------------

    def take_read(self) -> int:
        """Take the chunks of a read; return how many streamed messages have ended."""
        if not self._is_streaming:
            return 0
        owner = self._owner
        if (
            owner is not None
            and not owner.is_served
            and (self._arrived or self._parser.message_opcode)
        ):
            try:
                self._serve(owner)
            except MemoryError:
                # What has arrived must not be lost, because other messages may follow it.
                self._serve(owner)
        return self._hand_on()

    def _hand_on(self) -> int:
        owner = self._owner
        ended = 0
        if self._arrived:
            self._progress += 1
            if not len(self._arrived[len(self._arrived) - 1]):
                ended = 1
            if owner is not None:
                self._hand_on_to(owner)
            self._arrived.clear()
        if self._parser.chunks is None:
            # The message has ended, or parsing has.
            self._is_streaming = False
            self._owner = None
        return ended

    def _hand_on_to(self, owner: Chunks) -> None:
        """Add all chunks that have arrived to those of their stream."""
        handed = 0
        has_failed = False
        while handed < len(self._arrived):
            try:
                owner.add(self._inbox.message_of(self._arrived[handed]))
            except BaseException:
                # Nothing may follow a gap, so this is repeated once. The attempt that failed may
                # have freed enough.
                if has_failed:
                    owner.is_cut = True
                    self._arrived.clear()
                    raise
                has_failed = True
            else:
                handed += 1

    def has_readers(self) -> bool:
        """Whether a task waits for a chunk."""
        return bool(self._readers)

    def wake(self) -> None:
        """Wake the tasks whose next chunk has arrived; at the end, all."""
        for chunks in self._readers.copy():
            if chunks in self._readers and (chunks.has_news() or self._inbox._end is not None):
                waiter = chunks.waiter
                self._readers.remove(chunks)
                if waiter is not None and not waiter.done():
                    try:
                        waiter.wake()
                    except BaseException:
                        if not waiter.done():
                            self._readers.append(chunks)
                        raise

    # -- bounds ------------------------------------------------------------------------

    def count(self, size: int) -> None:
        """Add `size` to the bytes of the waiting chunks; negative for chunks that were taken."""
        self._size += size
        if self._holds_chunks and 2 * self._size <= self._max_waiting:
            self._holds_chunks = False
            try:
                self._read_flow.release()
            except BaseException:
                self._holds_chunks = True
                self._size -= size
                raise

    def bound(self) -> None:
        """Apply the limits to what waiting tasks have left of a read; all state must be final."""
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
            # While closing, a message without a limit is dropped as it arrives. Other messages are
            # assembled. If the queue has no room for one, it is dropped whole and counted.
            if not self._parser.limited:
                self._stream_to(None)
        elif not self._holds_message:
            self._holds_message = self._read_flow.hold_back()
            self._listen()

    def finish(self) -> None:
        """Stop holding reading back: the connection is closing."""
        self._is_finished = True
        self._holds_message = False
        self._holds_chunks = False
