"""The kinds of receives, and the iterators over a connection's messages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ..._codec.backend import use_send_slot
from ...exceptions import MessageTypeError
from .inbox import Inbox, Receive


class ReceiveMessage(Receive):
    """Takes the next message as a `Message`."""

    def _take(self, inbox: Inbox) -> Any:
        return inbox.pop_message()


class ReceiveText(Receive):
    """Takes the next message if it is text."""

    def _take(self, inbox: Inbox) -> Any:
        if not inbox.next_is_text():
            inbox.wake()
            raise MessageTypeError("the next message is binary, text was asked for")
        return inbox.pop()


class ReceiveBytes(Receive):
    """Takes the next message if it is binary."""

    def _take(self, inbox: Inbox) -> Any:
        if inbox.next_is_text():
            inbox.wake()
            raise MessageTypeError("the next message is text, bytes were asked for")
        return inbox.pop()


class ReceiveJson(Receive):
    """Takes the next message if it can be decoded."""

    def _take(self, inbox: Inbox) -> Any:
        return inbox.pop_decoded(self._decode)


class ReceiveProtocol(Receive):
    """Takes the next message if it is binary and can be decoded."""

    def _take(self, inbox: Inbox) -> Any:
        if inbox.next_is_text():
            inbox.wake()
            raise MessageTypeError("the next message is text, bytes were asked for")
        return inbox.pop_decoded(self._decode)


class ReceiveMany(Receive):
    """Takes up to `limit` queued messages (0: all)."""

    def _take(self, inbox: Inbox) -> Any:
        return inbox.pop_many(self._limit)


for kind in (
    ReceiveMessage,
    ReceiveText,
    ReceiveBytes,
    ReceiveJson,
    ReceiveProtocol,
    ReceiveMany,
):
    use_send_slot(kind)


class Messages:
    """The asynchronous iterator over a channel's messages, one by one."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def __aiter__(self) -> Messages:
        return self

    def __anext__(self) -> Coroutine[Any, Any, str | bytes]:
        return self._inbox.receive(Receive, True, None, 0)


class Batches:
    """The asynchronous iterator over a channel's messages, in lists of up to `max_messages`."""

    def __init__(self, inbox: Inbox, max_messages: int) -> None:
        self._inbox = inbox
        self._max_messages = max_messages

    def __aiter__(self) -> Batches:
        return self

    def __anext__(self) -> Coroutine[Any, Any, list[str | bytes]]:
        return self._inbox.receive(ReceiveMany, True, None, self._max_messages)


class Values:
    """The asynchronous iterator over a channel's messages, each decoded."""

    def __init__(self, inbox: Inbox, decode: Callable[[Any], Any]) -> None:
        self._inbox = inbox
        self._decode = decode

    def __aiter__(self) -> Values:
        return self

    def __anext__(self) -> Coroutine[Any, Any, Any]:
        return self._inbox.receive_decoded(ReceiveJson, True, None, self._decode)
