"""Receives as `aiohttp` gives them: each message with its type, and the end as a message, too.

Must not know how a connection ends: it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from json import loads as decode_json
from threading import get_ident
from typing import Any

from ..._base.rfc6455 import OPCODE_BINARY, OPCODE_TEXT
from ..._codec.backend import is_held, stop_with, use_send_slot
from ..waiter import Awaitable, Waiter
from .inbox import Inbox, Receive

# What a receive is to tell, instead of a limit.
AT_END = 1
AT_END_IN_LINE = 2


class WSMessage:
    """A received message.

    Attributes:
        type: a `WSMsgType`.
        data: what `type` says: `str`, `bytes`, a close code, an exception, or `None`.
        extra: the close reason of a Close frame; "" for data, Pings and Pongs, else `None`.
    """

    __slots__ = ("data", "extra", "type")
    __match_args__ = ("type", "data", "extra")

    def __init__(self, type: Any, data: Any, extra: str | None) -> None:
        self.type = type
        self.data = data
        self.extra = extra

    @property
    def tp(self) -> Any:
        """The old name of `type`."""
        return self.type

    def json(self, *, loads: Callable[[Any], Any] = decode_json) -> Any:
        """Decode the data with `loads`."""
        return loads(self.data)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.type, self.data, self.extra))

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return (self.type, self.data, self.extra)[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WSMessage | tuple):
            return NotImplemented
        return tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash((self.type, self.data, self.extra))

    def __repr__(self) -> str:
        # Without the data, which belongs in no log.
        return f"<WSMessage {self.type!r}>"


class ReceiveTyped(Receive):
    """Takes the next message as a `WSMessage`, and at the end asks how it ended."""

    _receiver: TypedReceiver

    def __next__(self) -> Waiter:
        # The usual case apart: with `_is_ready` alone `async for` costs a third more.
        if self._may_take_at_once():
            stop_with(self, self._take(self._source))
            raise StopIteration
        if self._is_at_end() or self._is_ready():
            stop_with(self, self._hand_over())
            raise StopIteration
        self._receiver._drop_spares()
        return self._suspend(self._source)

    def _may_take_at_once(self) -> bool:
        """Tell whether there is a message, and nobody in line for it."""
        inbox: Inbox | None = self._source
        if inbox is None or self._waiter is not None or self._receiver._is_over:
            return False
        return inbox.may_take(False)

    def _is_at_end(self) -> bool:
        """Tell whether the end is all that there is to receive."""
        inbox: Inbox | None = self._source
        waiter = self._waiter
        if inbox is None or (not self._receiver._is_over and inbox._end is None):
            return False
        if not self._receiver._is_over and (
            inbox.available() > 0 or (waiter is not None and waiter.reserved)
        ):
            return False
        # Who stood in line when the end came may be told so.
        self._limit = AT_END if waiter is None else AT_END_IN_LINE
        self._leave_queue()
        return True

    def _take(self, inbox: Inbox) -> Any:
        receiver = self._receiver
        if self._limit:
            return receiver._tell_end(self._option, self._limit == AT_END_IN_LINE)
        is_text = not inbox._decode_text and inbox.next_is_text()
        data = inbox.pop()
        # Awaited again, it is to say so.
        self._source = None
        message = receiver._blank()
        message.data = data
        if isinstance(data, str):
            message.type = receiver._text
        elif isinstance(data, bytes):
            message.type = receiver._text if is_text else receiver._binary
        else:
            message.type = receiver._types(data.opcode)
            message.data = data.payload
        return message


use_send_slot(ReceiveTyped)


class TypedReceiver:
    """The receives of one inbox, and the asynchronous iterator over them.

    Args:
        inbox: where the messages are.
        types: makes the type of a message from its opcode.
        tell_end: makes the message, or raises the error, of a receive that comes after the last
            message; called with whether it is a step of an iteration, and whether it stood in
            line when the end came.
        timeout: of a receive without one, in seconds; `None` waits without limit.
    """

    def __init__(
        self,
        inbox: Inbox,
        types: Callable[[int], Any],
        tell_end: Callable[[bool, bool], WSMessage],
        timeout: float | None,
    ) -> None:
        self._inbox = inbox
        self._types = types
        self._text = types(OPCODE_TEXT)
        self._binary = types(OPCODE_BINARY)
        self._tell_end = tell_end
        self._timeout = timeout
        self._thread = get_ident()
        # Nothing more is received but the end.
        self._is_over = False
        # The last two messages: one the program may still look at while it asks for the next.
        self._older: WSMessage | None = None
        self._newer: WSMessage | None = None

    def receive(self, timeout: float | None = None) -> Coroutine[Any, Any, WSMessage]:
        """Wait for the next message; 0 and `None` stand for the timeout given when made."""
        if get_ident() != self._thread:
            raise RuntimeError("a connection may only be used in the thread of its event loop")
        return self._make(False, timeout or self._timeout)

    def __aiter__(self) -> TypedReceiver:
        return self

    def __anext__(self) -> Coroutine[Any, Any, WSMessage]:
        return self._make(True, self._timeout)

    def _make(self, is_step: bool, timeout: float | None) -> Awaitable:
        wait: Any = self._inbox.receive(ReceiveTyped, is_step, timeout, 0)
        wait._receiver = self
        made: Awaitable = wait
        return made

    def _blank(self) -> WSMessage:
        """Give a message to fill in; out of the last but one, if nobody has it any more.

        Making each anew would cost a seventh of `async for`.
        """
        message = self._older
        if message is None or is_held(message):
            message = WSMessage.__new__(WSMessage)
            message.extra = ""
        self._older = self._newer
        self._newer = message
        return message

    def _drop_spares(self) -> None:
        """Hold no data while nothing arrives."""
        self._older = self._newer = None

    def finish(self) -> None:
        """Receive nothing more but the end, which every receive that waits is told at once."""
        self._is_over = True
        self._inbox.finish(self._end)
        self._inbox.wake()

    def _end(self, ends_iteration: bool) -> BaseException:
        return RuntimeError("the end is told as a message")
