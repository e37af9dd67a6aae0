"""Receives as `websockets` has them: one at a time, and the frames of a message can be had apart.

This is part of the data path because it must be compiled, as `aiohttp_messages` is.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from threading import get_ident
from typing import Any

from ..._base.rfc6455 import Fragment
from ..._base.threads import wrong_thread
from ..._codec.backend import stop_with, use_send_slot
from ..waiter import Awaitable, Waiter
from .inbox import Inbox, Receive


class ReceiveWhole(Receive):
    """Takes the next message, and joins its fragments; raises if another receive is under way."""

    _reader: MessageReader

    def __next__(self) -> Waiter:
        # The usual case first, as in `ReceiveTyped`.
        if self._may_take_at_once():
            stop_with(self, self._pop())
            raise StopIteration
        if self._has_message():
            stop_with(self, self._hand_over())
            raise StopIteration
        return self._suspend(self._source)

    def _may_take_at_once(self) -> bool:
        """Return whether the next entry is a whole message; raise if another receive is under way.

        A receive that has waited is not looked at.
        """
        inbox: Inbox | None = self._source
        if inbox is None or self._waiter is not None:
            return False
        if not self._reader.is_streaming and inbox.may_take(False):
            entry = inbox.at(0)
            return isinstance(entry, str) or isinstance(entry, bytes)  # noqa: SIM101 - faster
        if self._reader.is_busy():
            self._source = None
            raise self._reader._conflict()
        return False

    def _pop(self) -> Any:
        inbox: Inbox = self._source
        self._source = None
        return inbox.pop()

    def _has_message(self) -> bool:
        """Return whether a whole message is there; set the fragments of an unfinished one aside."""
        reader = self._reader
        while self._is_ready():
            inbox: Inbox = self._source
            entry = inbox.at(0)
            if type(entry) is not Fragment:
                return True
            # Set aside, so that the queue has room for the rest of the message.
            reader._fragments.append(inbox.pop())
            if entry.fin:
                return True
        return False

    def _take(self, inbox: Inbox) -> Any:
        reader = self._reader
        return reader._join() if reader._fragments else inbox.pop()


use_send_slot(ReceiveWhole)


class MessageReader:
    """The receives of one inbox, of which only one may be under way, and the iterator over them.

    Args:
        inbox: where the messages are. Its parser queues fragments.
        conflict: makes the error of a receive that begins while another is under way.

    Attributes:
        is_streaming: whether the program takes a message frame by frame: then receives raise.
    """

    def __init__(self, inbox: Inbox, conflict: Callable[[], BaseException]) -> None:
        self._inbox = inbox
        self._conflict = conflict
        self._thread = get_ident()
        self.is_streaming = False
        # The fragments of the next message that a receive has taken from the queue.
        self._fragments: list[Any] = []

    def is_busy(self) -> bool:
        """Whether a receive waits, was woken and has not run, or takes a message in frames."""
        inbox = self._inbox
        return self.is_streaming or inbox._reserved > 0 or inbox._has_line()

    def receive(self) -> Coroutine[Any, Any, str | bytes]:
        """Wait for the next message."""
        self._check_thread()
        return self._make(False)

    def receive_entry(self) -> Coroutine[Any, Any, str | bytes | Fragment]:
        """Wait for the next message in one frame, or the next frame of a fragmented message."""
        self._check_thread()
        return self._inbox.receive(Receive, False, None, 0)

    def take_fragments(self) -> list[Fragment]:
        """Take the fragments that a receive, now cancelled, has set aside."""
        fragments = self._fragments
        self._fragments = []
        return fragments

    def __aiter__(self) -> MessageReader:
        return self

    def __anext__(self) -> Coroutine[Any, Any, str | bytes]:
        return self._make(True)

    def _make(self, is_step: bool) -> Awaitable:
        wait: Any = self._inbox.receive(ReceiveWhole, is_step, None, 0)
        wait._reader = self
        made: Awaitable = wait
        return made

    def _join(self) -> str | bytes:
        """Take the whole message whose fragments were set aside."""
        fragments = self.take_fragments()
        data = b"".join([fragment.data for fragment in fragments])
        return data.decode() if fragments[0].is_text else data

    def _check_thread(self) -> None:
        if get_ident() != self._thread:
            raise wrong_thread()
