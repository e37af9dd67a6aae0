"""Receives as aiosonic 0.24 has them: from one queue, whatever the type of the next message.

This is part of the data path because it must be compiled. In plain Python, on top of `receive`,
`async for` in the face took six times as much CPU a message (0.74 us instead of 0.12 us).
"""

from __future__ import annotations

import enum
from collections.abc import Coroutine
from threading import get_ident
from typing import Any, Final

from ..._base.rfc6455 import OPCODE_BINARY, OPCODE_TEXT
from ..._base.threads import wrong_thread
from ..._codec.backend import is_held, stop_with, use_send_slot
from ...exceptions import MessageTypeError
from ..waiter import Awaitable, Waiter
from .decoding import decoded
from .inbox import Inbox, Receive

# Values of `_limit` for `ReceiveOfType`.
_AS_TEXT: Final = 1
_AS_JSON: Final = 2
_AS_BYTES: Final = 3


class MessageType(enum.Enum):
    """The type of a message."""

    TEXT = "text"
    BINARY = "binary"
    PING = "ping"
    PONG = "pong"
    CLOSE = "close"


_TEXT = MessageType.TEXT
_BINARY = MessageType.BINARY
# Numbers of the compiled twin, which would look the names up for each message.
_OPCODE_TEXT = OPCODE_TEXT
_OPCODE_BINARY = OPCODE_BINARY


class UnexpectedMessage(MessageTypeError, ValueError):
    """The message has the wrong type for this call; it is no longer queued."""


class Message:
    """A message, as the iteration over a connection with one queue returns it.

    Attributes:
        type: its type.
        data: `str` or `bytes`, by its type.
        raw_data: the data as `bytes`; text as UTF-8.
        opcode: 1 or 2 (RFC 6455 section 5.2).
    """

    __slots__ = ("_raw", "data", "opcode", "type")
    __match_args__ = ("type", "data", "raw_data", "opcode")

    def __init__(
        self, type: MessageType, data: str | bytes, raw_data: bytes | None, opcode: int
    ) -> None:
        self.type = type
        self.data = data
        self._raw = raw_data
        self.opcode = opcode

    @classmethod
    def create_text(cls, data: str) -> Message:
        """Make a text message."""
        return cls(_TEXT, data, None, _OPCODE_TEXT)

    @classmethod
    def create_binary(cls, data: bytes) -> Message:
        """Make a binary message."""
        return cls(_BINARY, data, None, _OPCODE_BINARY)

    @property
    def raw_data(self) -> bytes:
        """The data as `bytes`; text as UTF-8."""
        if self._raw is not None:
            return self._raw
        return self.data.encode() if isinstance(self.data, str) else self.data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._as_tuple() == other._as_tuple()

    # As of a data class, which can be changed.
    __hash__ = None  # type: ignore[assignment]

    def _as_tuple(self) -> tuple[object, ...]:
        return (self.type, self.data, self.raw_data, self.opcode)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.type, self.data, self._raw, self.opcode))

    def __repr__(self) -> str:
        # Without the data, which must not get into logs.
        return f"<Message {self.type!r}>"


class ReceiveOfType(Receive):
    """Takes the next message, and raises if it has the wrong type; `_limit` says which is right."""

    def _take(self, inbox: Inbox) -> Any:
        wants_text = self._limit != _AS_BYTES
        is_text = inbox.next_is_text()
        data = inbox.pop()
        if is_text != wants_text:
            raise UnexpectedMessage(f"Expected a {'text' if wants_text else 'binary'} message")
        return decoded(inbox._loads, data) if self._limit == _AS_JSON else data


class ReceiveTagged(Receive):
    """Takes the next message as a `Message`; a step of an iteration, which any end ends."""

    _queue: OneQueue

    def __next__(self) -> Waiter:
        # The usual case first, as in `ReceiveTyped`.
        if self._may_take_at_once():
            stop_with(self, self._take(self._source))
            raise StopIteration
        if self._is_ready():
            stop_with(self, self._hand_over())
            raise StopIteration
        self._queue._drop_spares()
        return self._suspend(self._source)

    def _may_take_at_once(self) -> bool:
        """Return whether there is a message, and no receive in line for it."""
        inbox: Inbox | None = self._source
        if inbox is None or self._waiter is not None:
            return False
        return inbox.may_take(False)

    def _take(self, inbox: Inbox) -> Any:
        message = self._queue._blank()
        is_text = inbox.next_is_text()
        message.data = inbox.pop()
        # So that a second await raises an error.
        self._source = None
        message.type = _TEXT if is_text else _BINARY
        message.opcode = _OPCODE_TEXT if is_text else _OPCODE_BINARY
        return message


for kind in (ReceiveOfType, ReceiveTagged):
    use_send_slot(kind)


class OneQueue:
    """The receives of one inbox, and the asynchronous iterator over its messages.

    Args:
        inbox: where the messages are.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._thread = get_ident()
        # The last two messages, for reuse. The program may still use the newer one while it asks
        # for the next.
        self._older: Message | None = None
        self._newer: Message | None = None

    def receive_text(self, timeout: float | None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, which must be text."""
        return self._receive(timeout, _AS_TEXT)

    def receive_json(self, timeout: float | None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, which must be text, and decode it."""
        return self._receive(timeout, _AS_JSON)

    def receive_bytes(self, timeout: float | None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next message, which must be binary."""
        return self._receive(timeout, _AS_BYTES)

    def _receive(self, timeout: float | None, wanted: int) -> Awaitable:
        if get_ident() != self._thread:
            raise wrong_thread()
        return self._inbox.receive(ReceiveOfType, False, timeout, wanted)

    def __aiter__(self) -> OneQueue:
        return self

    def __anext__(self) -> Coroutine[Any, Any, Message]:
        return self._step()

    def _step(self) -> Awaitable:
        wait: Any = self._inbox.receive(ReceiveTagged, True, None, 0)
        wait._queue = self
        made: Awaitable = wait
        return made

    def _blank(self) -> Message:
        """Return a message to fill in: the last but one, if nothing refers to it any more."""
        message = self._older
        if message is None or is_held(message):
            message = Message.__new__(Message)
            message._raw = None
        self._older = self._newer
        self._newer = message
        return message

    def _drop_spares(self) -> None:
        """Drop the spare messages, so that no data is held while nothing arrives."""
        self._older = self._newer = None
