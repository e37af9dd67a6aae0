"""A queue in two lanes, text and binary, which receives take from independently.

Does not parse frames or read from transports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..._base.queue_rules import Pending, QueueRules
from ..._base.rfc6455 import OPCODE_TEXT, Binary, MessageType
from ..._codec.backend import use_send_slot
from ...exceptions import QueueOverflow, ReadTimeout
from ..turn import Turn
from ..waiter import Awaitable, Waiter, begin, suspend
from .decoding import decoded, note_queued
from .inbox import Inbox, Receive
from .message import Message
from .overflow import Bounds, Drops, bound
from .read_flow import ReadFlow
from .receives import (
    ReceiveBytes,
    ReceiveJson,
    ReceiveMany,
    ReceiveMessage,
    ReceiveProtocol,
    ReceiveText,
)

_TEXT = MessageType.TEXT
_BINARY = MessageType.BINARY


class Entry:
    """A message in a lane.

    Attributes:
        number: its place in the order of arrival.
        message: the message.
    """

    def __init__(self, number: int, message: Message) -> None:
        self.number = number
        self.message = message

    def __len__(self) -> int:
        return len(self.message.data)


class Lane(Inbox):
    """The messages of one type, each an `Entry`."""

    def replace(self, position: int, entry: Any) -> Any:
        """Replace the entry at `position`; the new one takes its place in the order of arrival."""
        newer: Entry = entry
        replaced: Entry = self._queue[self._head + position]
        newer.number = replaced.number
        self._queue[self._head + position] = newer
        return replaced

    def message_of(self, entry: Any) -> Message:
        """Return the message of an entry."""
        queued: Entry = entry
        return queued.message

    def first_number(self) -> int:
        """Return the place of the next message in the order of arrival; there must be one."""
        entry: Entry = self._queue[self._head]
        return entry.number

    def admit_all(self, entries: list[Entry]) -> None:
        """Queue the entries of a read."""
        self._queue += entries
        self._count_added(len(entries))

    def give_back(self, entry: Entry) -> None:
        """Queue an entry again that was taken."""
        index = self._head
        while index < len(self._queue) and self._queue[index].number < entry.number:
            index += 1
        self._queue.insert(index, entry)
        self.make_fresh()


class LaneReceive(Receive):
    """A receive of any kind.

    A message is set aside for it when it is woken, and given back if the receive is cancelled.
    """

    _kind: type[Receive]
    _entry: Entry | None

    def _is_ready(self) -> bool:
        inbox: LaneInbox | None = self._source
        if inbox is None:
            raise RuntimeError("this receive has been awaited already")
        expired = False
        waiter = self._waiter
        if waiter is not None:
            expired = waiter.expired
            self._leave_queue()
        if self._entry is None:
            self._entry = inbox.take_in_turn(self._kind)
        if self._entry is not None:
            return True
        if inbox._end is not None:
            self._source = None
            raise inbox.end_error(self._option)
        if expired or (self._timeout is not None and self._timeout <= 0):
            self._source = None
            inbox.wake()
            raise ReadTimeout(f"no message arrived within {self._timeout} seconds")
        return False

    def _hand_over(self) -> Any:
        inbox: LaneInbox = self._source
        entry = inbox.fulfil(self)
        self._source = None
        try:
            return self._result(inbox, entry)
        finally:
            if inbox._line:
                # Receives that came while messages were set aside are in line although more wait.
                inbox.wake()

    def _result(self, inbox: LaneInbox, entry: Entry) -> Any:
        message = entry.message
        if self._kind is ReceiveMessage:
            return message
        if self._kind is ReceiveJson or self._kind is ReceiveProtocol:
            return inbox.decoded_of(entry, self._decode)
        if self._kind is ReceiveMany:
            return inbox.take_more(entry, self._limit)
        return message.data

    def _suspend(self, inbox: Inbox) -> Waiter:
        lanes: LaneInbox = self._source
        waiter = suspend(lanes._loop)
        if self._timeout is not None:
            self._start_timer(lanes, waiter)
        lanes._line.append(self)
        self._waiter = waiter
        if lanes._on_wait is not None:
            self._tell(lanes._on_wait)
        return waiter

    def _leave_queue(self) -> None:
        """Leave the line; a message that is set aside remains so."""
        inbox: LaneInbox | None = self._source
        waiter = self._waiter
        self._waiter = None
        if inbox is not None and self in inbox._line:
            inbox._line.remove(self)
        if inbox is not None and waiter is not None and self._deadline is not None:
            inbox.deadlines().discard(waiter)

    def _forget(self) -> None:
        inbox: LaneInbox | None = self._source
        if inbox is None:
            return
        self._leave_queue()
        self._source = None
        entry = self._entry
        if entry is not None:
            self._entry = None
            inbox._promised.remove(self)
            inbox.give_back(entry)
            inbox.wake()


use_send_slot(LaneReceive)


class LaneInbox(Inbox):
    """Messages in two lanes, and the receives that wait for them.

    Receives are served in the order in which they came, each with the oldest message that it can
    take. Reads append messages to `_queue`, and `admit` moves them to the lanes.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        loads: Callable[[Any], Any],
        decode_text: bool,
        turn: Turn,
        clock: ReadFlow | None = None,
    ) -> None:
        super().__init__(loop, loads, decode_text, turn, clock)
        # `decode_text` is true: `admit` has already decided the type of each message.
        self.text = Lane(loop, loads, True, turn)
        self.binary = Lane(loop, loads, True, turn)
        self._numbered = 0
        # Receives that wait; those that have a message but have not run yet; those to be woken.
        self._line: list[LaneReceive] = []
        self._promised: list[LaneReceive] = []
        self._to_wake: list[LaneReceive] = []
        self._is_matching = False
        self._has_news = False

    def receive(
        self, kind: type[Receive], is_step: bool, timeout: float | None, limit: int
    ) -> Awaitable:
        """Make a receive, always a new one; see `Inbox.receive`."""
        wait = LaneReceive.__new__(LaneReceive)
        wait._kind = kind
        wait._entry = None
        return begin(wait, self, is_step, timeout, limit)

    def admit(self, before: int) -> None:
        """Move the messages of a read to the lanes."""
        arrived = self._queue
        self._queue = []
        self._count_added(len(arrived))
        text: list[Entry] = []
        binary: list[Entry] = []
        stamp = None if self._clock is None else self._clock._arrived_at
        for data in arrived:
            is_text = isinstance(data, str) if self._decode_text else not isinstance(data, Binary)
            self._numbered += 1
            if is_text:
                text.append(Entry(self._numbered, Message(_TEXT, data, stamp)))
            else:
                bare = data.data if isinstance(data, Binary) else data
                binary.append(Entry(self._numbered, Message(_BINARY, bare, stamp)))
        self.text.admit_all(text)
        self.binary.admit_all(binary)

    def count(self) -> int:
        """Count the messages that were not received, those set aside included."""
        return self.text.count() + self.binary.count() + len(self._promised)

    def has_messages(self) -> bool:
        """Whether messages are queued that are not set aside."""
        return self.text.count() > 0 or self.binary.count() > 0

    def pending(self) -> Pending:
        """Count the messages that were not received, and their bytes (characters, for text)."""
        size = self.text.pending().bytes + self.binary.pending().bytes
        for receive in self._promised:
            if receive._entry is not None:
                size += len(receive._entry)
        return Pending(self.count(), size)

    def waiting(self) -> list[Any]:
        """Return the list of waiting receives; it is always the same list."""
        return self._line

    def has_waiters(self) -> bool:
        """Whether a receive waits."""
        return bool(self._line)

    def first_waiter(self, opcode: int) -> Waiter | None:
        """Return the first waiter that can take a message of this opcode; see `Inbox`."""
        for receive in self._line:
            waiter = receive._waiter
            if waiter is None or waiter.done():
                continue
            if not opcode or _takes(receive._kind, opcode == OPCODE_TEXT):
                return waiter
        return None

    def leave_line(self, receive: Receive) -> None:
        """Remove a receive from the line; its waiter remains to be woken."""
        if receive in self._line:
            self._line.remove(receive)

    def give_back(self, entry: Entry) -> None:
        """Take back a message that was set aside; a receive that holds a newer one gets it."""
        for receive in self._promised:
            held = receive._entry
            is_older = held is not None and entry.number < held.number
            if held is not None and is_older and _takes(receive._kind, _is_text(entry)):
                receive._entry = entry
                entry = held
        lane = self.text if _is_text(entry) else self.binary
        lane.give_back(entry)

    def put_back(self, message: Message) -> None:
        """Queue a message again that is older than all queued messages."""
        self.give_back(Entry(0, message))

    def peek(self) -> Message | None:
        """Return the message that `take_now` would take, `None` if there is none."""
        lane = self._lane_for(ReceiveMessage)
        if lane is None or not self._is_turn_of(ReceiveMessage, lane):
            self.note_poll()
            return None
        return lane.message_of(lane.at(0))

    def take_now(self) -> Message:
        """Take the next message, unless it is for a receive that came before.

        Raises:
            asyncio.QueueEmpty: there is none.
        """
        entry = self.take_in_turn(ReceiveMessage)
        if entry is not None:
            return entry.message
        if not self.has_messages():
            self.raise_if_ended()
        self.note_poll()
        raise asyncio.QueueEmpty("no message is queued")

    def take(self, kind: type[Receive]) -> Entry | None:
        """Take the oldest message that a receive of this kind can take."""
        lane = self._lane_for(kind)
        if lane is None:
            return None
        entry: Entry = lane.pop()
        return entry

    def take_in_turn(self, kind: type[Receive]) -> Entry | None:
        """Take the same message for a receive that is not in line, unless others came before."""
        lane = self._lane_for(kind)
        if lane is None or not self._is_turn_of(kind, lane):
            return None
        entry: Entry = lane.pop()
        return entry

    def _is_turn_of(self, kind: type[Receive], lane: Lane) -> bool:
        """Return whether no receive that came before can take from this lane.

        A message that is set aside may be given back. Taking a newer one first would break the
        order of arrival.
        """
        for receive in self._promised:
            entry = receive._entry
            if entry is not None and _takes(kind, _is_text(entry)):
                return False
        for receive in self._line:
            waiter = receive._waiter
            is_waiting = waiter is not None and not waiter.done()
            if is_waiting and _takes(receive._kind, lane is self.text):
                return False
        return True

    def fulfil(self, receive: LaneReceive) -> Entry:
        """Return the message that was set aside for a receive, which takes it now."""
        entry = receive._entry
        if entry is None:
            raise RuntimeError("no message was set aside")
        receive._entry = None
        if receive in self._promised:
            self._promised.remove(receive)
        self._turn.more_wait = self.has_messages()
        return entry

    def decoded_of(self, entry: Entry, decode: Callable[[Any], Any]) -> Any:
        """Decode a message that was taken; if that fails, it is queued in its place again."""
        try:
            return decoded(decode, entry.message.data)
        except BaseException as exc:
            if self._keeps_undecoded:
                note_queued(exc)
                self.give_back(entry)
            raise

    def take_more(self, entry: Entry, limit: int) -> list[Any]:
        """Take up to `limit` messages (0: all), including `entry`, which is already taken."""
        entries = [entry]
        while len(entries) != limit:
            another = self.take(ReceiveMany)
            if another is None:
                break
            entries.append(another)
        self._turn.more_wait = self.has_messages()
        # A message that was given back may be older than the first.
        entries.sort(key=_number)
        return [taken.message.data for taken in entries]

    def _lane_for(self, kind: type[Receive]) -> Lane | None:
        """Return the lane with the oldest message that a receive of this kind can take."""
        text = self.text if _takes(kind, True) and self.text.count() else None
        binary = self.binary if _takes(kind, False) and self.binary.count() else None
        if text is None or binary is None:
            return binary if text is None else text
        return text if text.first_number() < binary.first_number() else binary

    def wake(self) -> None:
        """Set messages aside for waiting receives, and wake them; or wake all at the end."""
        self._has_news = True
        if self._is_matching:
            return
        self._is_matching = True
        try:
            while self._has_news:
                self._has_news = False
                for receive in list(self._line):
                    self._serve(receive)
        finally:
            self._is_matching = False
        self._wake_served()
        if self._on_wait is not None:
            self._on_wait(False)

    def _serve(self, receive: LaneReceive) -> None:
        waiter = receive._waiter
        if waiter is None or waiter.done():
            return
        # Lists grow before anything is taken: a message must not get lost, nor a receive.
        if receive._entry is None and self._lane_for(receive._kind) is not None:
            self._promised.append(receive)
            receive._entry = self.take(receive._kind)
        if receive._entry is None and self._end is None:
            return
        self._to_wake.append(receive)
        self._line.remove(receive)

    def _wake_served(self) -> None:
        if self._waking:
            return
        self._waking = True
        try:
            while self._to_wake:
                receive = self._to_wake[0]
                waiter = receive._waiter
                if waiter is not None and not waiter.done():
                    # A task resumed in place must not overtake one that is resumed later.
                    if not self._promised or self._promised[0] is receive:
                        waiter.wake()
                    else:
                        waiter.wake_later()
                # Only now, so that it cannot get lost.
                self._to_wake.pop(0)
        finally:
            self._waking = False


def _takes(kind: type[Receive], is_text: bool) -> bool:
    if is_text:
        return kind is not ReceiveBytes and kind is not ReceiveProtocol
    # JSON is text: with two lanes, `receive_json` ignores the binary lane.
    return kind is not ReceiveText and kind is not ReceiveJson


def _is_text(entry: Entry) -> bool:
    return entry.message.type is _TEXT


def _number(entry: Entry) -> int:
    return entry.number


class LaneBounds(Bounds):
    """The bounds of both lanes."""

    def __init__(
        self, inbox: LaneInbox, read_flow: ReadFlow, drops: Drops, rules: QueueRules
    ) -> None:
        # Only these attributes of the base class are used.
        self._inbox = inbox
        self._is_finished = False
        self._text = bound(inbox.text, read_flow, drops, rules, "text_queue_maxsize")
        self._binary = bound(inbox.binary, read_flow, drops, rules, "binary_queue_maxsize")

    def apply(self, is_ending: bool) -> QueueOverflow | None:
        """Apply the bounds of each lane to what reads have left in it; see `Bounds.apply`."""
        self._inbox.take_fresh()
        text = self._text.apply(is_ending)
        return self._binary.apply(is_ending) or text

    def discard(self) -> None:
        """Drop the messages that have no room; see `Bounds.discard`."""
        self._text.discard()
        self._binary.discard()

    def finish(self) -> None:
        """Stop holding reading back: the connection is closing."""
        self._is_finished = True
        self._text.finish()
        self._binary.finish()
