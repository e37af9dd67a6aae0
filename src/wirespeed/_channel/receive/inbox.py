# cython: nonecheck=False
"""The message queue of one connection, and the receives that wait for it.

Does not parse frames or read from transports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..._base.queue_rules import Pending
from ..._base.rfc6455 import Binary, MessageType
from ..._codec.backend import is_held, stop_with, total_length, use_send_slot
from ...exceptions import ReadTimeout
from ..turn import Turn
from ..waiter import Awaitable, Waiter, begin, suspend
from .deadlines import Deadlines
from .decoding import decoded, note_queued
from .entries import Entries
from .message import Message, bare_data, stamp, stamp_of, unstamped
from .read_flow import ReadFlow

_TEXT = MessageType.TEXT
_BINARY = MessageType.BINARY


class Receive(Awaitable):
    """One receive: awaited once, it takes the data of the next message.

    Cancelling it loses nothing: a message leaves the queue only in the step that hands it to the
    task. `_option` is whether this is a step of an iteration.
    """

    # Set where the data is decoded before it is handed over.
    _decode: Callable[[Any], Any]

    def __next__(self) -> Waiter:
        if self._is_ready():
            stop_with(self, self._hand_over())
            raise StopIteration
        return self._suspend(self._source)

    def _is_ready(self) -> bool:
        """Return whether there is a message to take; raise if there will never be one."""
        inbox: Inbox | None = self._source
        if inbox is None:
            raise RuntimeError("this receive has been awaited already")
        expired = served = False
        waiter = self._waiter
        if waiter is not None:
            expired = waiter.expired
            served = waiter.reserved
            self._leave_queue()
        if inbox.may_take(served):
            return True
        if inbox._end is not None and inbox.available() <= 0:
            self._source = None
            raise inbox.end_error(self._option)
        if expired or (self._timeout is not None and self._timeout <= 0):
            self._source = None
            inbox.wake()
            raise ReadTimeout(f"no message arrived within {self._timeout} seconds")
        return False

    def _hand_over(self) -> Any:
        inbox: Inbox = self._source
        self._source = None
        try:
            return self._take(inbox)
        finally:
            if inbox._waiters:
                # Receives that came while messages were set aside are in line although more wait.
                inbox.wake()

    def _take(self, inbox: Inbox) -> Any:
        return inbox.pop()

    def _suspend(self, inbox: Inbox) -> Waiter:
        waiter = suspend(inbox._loop)
        # First what can fail: a waiter that nobody awaits would hold up the line.
        if self._timeout is not None:
            self._start_timer(inbox, waiter)
        inbox._waiters.append(waiter)
        self._waiter = waiter
        if inbox._on_wait is not None:
            self._tell(inbox._on_wait)
        return waiter

    def _tell(self, on_wait: Callable[[bool], object]) -> None:
        """Call `_on_wait`; if that fails, this receive does not wait."""
        try:
            on_wait(False)
        except BaseException:
            self._leave_queue()
            raise

    def _start_timer(self, inbox: Inbox, waiter: Waiter) -> None:
        if self._deadline is None:
            self._deadline = inbox._loop.time() + (self._timeout or 0)
        inbox.deadlines().add(waiter, self._deadline)

    def _leave_queue(self) -> None:
        """Leave the line, and give back a message that was set aside for this receive."""
        waiter = self._waiter
        inbox: Inbox | None = self._source
        self._waiter = None
        if waiter is not None and inbox is not None:
            if waiter.reserved:
                inbox._reserved -= 1
            elif waiter in inbox._waiters:
                # Without memory it may stay in the list; it then holds up nobody.
                waiter.woken = True
                inbox._waiters.remove(waiter)
            if self._deadline is not None:
                inbox.deadlines().discard(waiter)

    def _forget(self) -> None:
        inbox: Inbox | None = self._source
        if inbox is not None:
            self._leave_queue()
            self._source = None
            inbox.wake()


use_send_slot(Receive)


class Inbox(Entries):
    """Messages in the order of arrival, and the receives that wait, served first come first served.

    When a receive is woken, one message is set aside for it until it has run. So a later receive
    cannot overtake it. `_reserved` counts these messages.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        loads: Callable[[Any], Any],
        decode_text: bool,
        turn: Turn,
        clock: ReadFlow | None = None,
    ) -> None:
        super().__init__(turn)
        self._loop = loop
        self._loads = loads
        # Whether a message that cannot be decoded stays queued.
        self._keeps_undecoded = True
        # If false, text is queued as `bytes` and binary data as `Binary`.
        self._decode_text = decode_text
        # Has the time of the last socket read, to stamp messages with; `None` for no stamps.
        self._clock = clock
        # Whether queued entries are returned as they are.
        self._is_plain = decode_text and clock is None
        self._queue: list[Any] = []
        self._head = 0
        # The messages of the last read, and those since the last check of the bounds.
        self._added = 0
        self._fresh = 0
        # The most messages that were left queued after a read.
        self._deepest = 0
        self._reserved = 0
        # Always the same list: the protocol holds it too.
        self._waiters: list[Waiter] = []
        # The channel: a receive or an iteration keeps it alive.
        self._owner: Any = None
        self._waking = False
        # Makes the error of a receive once nothing more will arrive.
        self._end: Callable[[bool], BaseException] | None = None
        # The last receive that was made.
        self._spare: Receive | None = None
        # Made when the first receive with a timeout waits.
        self._deadlines: Deadlines | None = None
        # Called after a message was taken, while the queue is too full to read more.
        self._on_taken: Callable[[int], object] | None = None
        # Called with `False` when the waiting receives have changed, and with `True` when a call
        # that does not wait found no message. Set only while an arriving message depends on it.
        self._on_wait: Callable[[bool], object] | None = None

    def receive(
        self, kind: type[Receive], is_step: bool, timeout: float | None, limit: int
    ) -> Awaitable:
        """Make a receive; reuse the last one, if it is of this kind and not referenced any more.

        Args:
            kind: the class of the receive.
            is_step: whether it is a step of an iteration.
            timeout: in seconds; `None` waits without limit.
            limit: the largest number of messages to take, for `ReceiveMany`; 0 for all.
        """
        wait = self._spare
        if type(wait) is not kind or is_held(wait):
            wait = self._spare = kind.__new__(kind)
        return begin(wait, self, is_step, timeout, limit)

    def receive_decoded(
        self, kind: type[Receive], is_step: bool, timeout: float | None, decode: Any
    ) -> Awaitable:
        """Make a receive that decodes the data of a message with `decode`; see `receive`."""
        made: Any = self.receive(kind, is_step, timeout, 0)
        made._decode = decode
        return made  # type: ignore[no-any-return]

    def available(self) -> int:
        """Count the messages that are not set aside for a woken receive."""
        return len(self._queue) - self._head - self._reserved

    def may_take(self, served: bool) -> bool:
        """Return whether a receive may take a message now.

        If none was set aside for it (`served`), all receives that came before have precedence.
        """
        if self.available() <= 0:
            return False
        return served or (self._reserved == 0 and not self._has_line())

    def _has_line(self) -> bool:
        while self._waiters:
            waiter: Waiter = self._waiters[0]
            if not waiter.done():
                return True
            self._waiters.pop(0)
        return False

    def first_waiter(self, opcode: int) -> Waiter | None:
        """Return the first waiter that can take a message of this opcode (0: any), or `None`."""
        return self._waiters[0] if self._has_line() else None

    def deadlines(self) -> Deadlines:
        """Return the deadlines of the waiting receives."""
        if self._deadlines is None:
            self._deadlines = Deadlines(self._loop)
        return self._deadlines

    def stop_deadlines(self) -> None:
        """Set no timer any more: nothing waits after the end."""
        if self._deadlines is not None:
            self._deadlines.stop()

    def leave_line(self, receive: Receive) -> None:
        """Remove a receive from the line; its waiter remains to be woken."""
        if receive._waiter in self._waiters:
            self._waiters.remove(receive._waiter)

    def waiting(self) -> list[Any]:
        """Return the list of waiters; it is always the same list."""
        return self._waiters

    def has_waiters(self) -> bool:
        """Whether a receive waits."""
        return bool(self._waiters)

    def admit(self, before: int) -> None:
        """Count and stamp what a read has added to the list, which had `before` entries."""
        self._count_added(len(self._queue) - before)
        self._turn.more_wait = self.available() > 1
        if self._clock is not None:
            stamp(self._queue, before, self._clock._arrived_at)

    def pending(self) -> Pending:
        """Count the queued messages and their bytes (characters, for text)."""
        return Pending(self.count(), total_length(self._queue, self._head))

    def put_back(self, message: Message) -> None:
        """Queue a message again at the front."""
        entry: Any = message.data
        if message.type is _BINARY and not self._decode_text:
            entry = Binary(entry)
        self._queue.insert(self._head, entry)
        self.make_fresh()

    def message_of(self, entry: Any) -> Message:
        """Make a `Message` from a queued entry."""
        kind = _TEXT if self._is_text(entry) else _BINARY
        return Message(kind, bare_data(entry), stamp_of(entry))

    def _is_text(self, entry: Any) -> bool:
        """Return whether a queued entry is text."""
        entry = unstamped(entry)
        return isinstance(entry, str) if self._decode_text else not isinstance(entry, Binary)

    def peek(self) -> Message | None:
        """Return the message that `take_now` would take, `None` if there is none."""
        if self.may_take(False):
            return self.message_of(self._queue[self._head])
        self.note_poll()
        return None

    def take_now(self) -> Message:
        """Take the next message, unless it is for a receive that came before.

        Raises:
            asyncio.QueueEmpty: there is none.
        """
        if self.may_take(False):
            return self.pop_message()
        if self.available() <= 0:
            self.raise_if_ended()
        self.note_poll()
        raise asyncio.QueueEmpty("no message is queued")

    def note_poll(self) -> None:
        """Note that a call that does not wait has found no message."""
        if self._on_wait is not None:
            self._on_wait(True)

    def finish(self, end: Callable[[bool], BaseException]) -> None:
        """Let every receive raise the error that `end` makes, once nothing is queued.

        Waiting receives raise it after the next `wake`.

        Args:
            end: called with whether the receive is a step of an iteration.
        """
        self._end = end

    def raise_if_ended(self) -> None:
        """Raise the error of a receive if nothing more will arrive."""
        if self._end is not None:
            raise self._end(False)

    def end_error(self, ends_iteration: bool) -> BaseException:
        """Make the error that a receive at the end raises."""
        if self._end is None:
            raise RuntimeError("the queue has not ended")
        return self._end(ends_iteration)

    def wake(self) -> None:
        """Wake as many receives as there are messages for, or all once nothing more arrives."""
        if self._waking:
            return
        self._waking = True
        try:
            while self._waiters and (self._end is not None or self.available() > 0):
                waiter: Waiter = self._waiters.pop(0)
                if waiter.done():
                    continue
                # A task resumed in place must not overtake one that is resumed later.
                in_place = self._reserved == 0
                if self.available() > 0:
                    waiter.reserved = True
                    self._reserved += 1
                try:
                    if in_place:
                        waiter.wake()
                    else:
                        waiter.wake_later()
                except MemoryError:
                    self._wake_again(waiter)
        finally:
            self._waking = False
        if self._on_wait is not None:
            self._on_wait(False)

    def _wake_again(self, waiter: Waiter) -> None:
        """Wake a receive that could not be woken; if this fails as well, it stays in line."""
        try:
            waiter.wake_later()
        except MemoryError:
            if waiter.reserved:
                waiter.reserved = False
                self._reserved -= 1
            self._waiters.insert(0, waiter)
            raise

    def next_is_text(self) -> bool:
        """Return whether the next message is text; there must be one."""
        entry = self._queue[self._head]
        return isinstance(entry, str) if self._is_plain else self._is_text(entry)

    def pop_message(self) -> Message:
        """Take the next message as a `Message`; there must be one."""
        entry = self._queue[self._head]
        # Made before the message leaves the queue, which must not be lost.
        if self._is_plain:
            message = Message(_TEXT if isinstance(entry, str) else _BINARY, entry)
        else:
            message = self.message_of(entry)
        self._pop_entry()
        return message

    def pop(self) -> Any:
        """Take the data of the next message; there must be one."""
        entry = self._pop_entry()
        return entry if self._is_plain else bare_data(entry)

    def pop_decoded(self, decode: Callable[[Any], Any]) -> Any:
        """Take the next message and decode its data; if that fails, it is the next one again."""
        # Taken first: the decoder may itself receive the message behind this one.
        entry = self._remove_entry()
        try:
            value = decoded(decode, entry if self._is_plain else bare_data(entry))
            if self._on_taken is not None:
                self._on_taken(len(entry))
        except BaseException as exc:
            if self._keeps_undecoded:
                self._restore(entry)
                note_queued(exc)
            elif self._on_taken is not None:
                self._on_taken(len(entry))
            raise
        return value

    def _pop_entry(self) -> Any:
        if self._on_taken is not None:
            return self._take_and_tell(1, self._on_taken)[0]
        return self._remove_entry()

    def _take_and_tell(self, count: int, on_taken: Callable[[int], object]) -> list[Any]:
        """Take the next entries, and call `_on_taken`; if that fails, they are queued again."""
        entries = self.cut_first(count)
        try:
            on_taken(total_length(entries, 0))
        except BaseException:
            self._queue[self._head : self._head] = entries
            raise
        return entries

    def pop_many(self, limit: int) -> list[Any]:
        """Take up to `limit` messages (0: all) that are not set aside for others."""
        count = self.available()
        if limit and limit < count:
            count = limit
        # Made before the messages leave the queue, which must not be lost.
        bare: list[Any] | None = None
        if not self._is_plain:
            bare = list(map(bare_data, self._queue[self._head : self._head + count]))
        if self._on_taken is not None:
            batch = self._take_and_tell(count, self._on_taken)
        elif count == len(self._queue):
            # All that was queued: return the list itself, not a copy.
            batch = self._queue
            self._queue = []
            self._turn.more_wait = False
        else:
            batch = self.cut_first(count)
        return batch if bare is None else bare
