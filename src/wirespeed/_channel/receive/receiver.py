"""The receiving methods of a channel, and what they take messages from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..._base.arguments import batch_limit, check_seconds
from ..._base.queue_rules import Dropped, Pending, QueueRules
from ..send.sender import Sender
from ..turn import Turn
from .decoding import decoder_of
from .inbox import Inbox
from .lanes import LaneBounds, LaneInbox
from .message_stream import MessageStream
from .overflow import Bounds, Drops, bound
from .partial_message import PartialMessage
from .read_flow import ReadFlow
from .receives import (
    Batches,
    Messages,
    ReceiveBytes,
    ReceiveJson,
    ReceiveMany,
    ReceiveMessage,
    ReceiveProtocol,
    ReceiveText,
    Values,
)

if TYPE_CHECKING:
    from ..._codec import contract
    from ..owner import ClosingState
    from .message import Received


class Receiver(Sender):
    """The receiving methods of `Channel`; those that send are inherited."""

    def __init__(  # noqa: PLR0917  # called once, by `Channel`
        self,
        loop: asyncio.AbstractEventLoop,
        parser: contract.MessageParser,
        builder: contract.FrameBuilder,
        turn: Turn,
        closing: ClosingState,
        queue: QueueRules,
        loads: Callable[[Any], Any],
        batch_window: float,
        decode_text: bool,
    ) -> None:
        super().__init__(loop, builder, turn, closing)
        self._parser = parser
        self._read_flow = ReadFlow(loop, batch_window)
        self._drops = Drops(loop, queue.on_drop)
        self._inbox: Inbox
        self._bounds: Bounds
        clock = self._read_flow if queue.timestamps else None
        if queue.has_lanes:
            lanes = LaneInbox(loop, loads, decode_text, turn, clock)
            self._inbox = lanes
            self._bounds = LaneBounds(lanes, self._read_flow, self._drops, queue)
        else:
            self._inbox = Inbox(loop, loads, decode_text, turn, clock)
            self._bounds = bound(self._inbox, self._read_flow, self._drops, queue)
        # Created when needed, with the two limits below; so the rules need not be kept.
        self._partial: PartialMessage | None = None
        self._max_waiting = queue.max_waiting()
        self._max_assembled = queue.max_assembled(parser.limited)
        self._protocol: Any = None

    def receive(self, timeout: float | None = None) -> Coroutine[Any, Any, Received]:
        """Wait for the next message.

        Safe to cancel: a message is taken only in the step that returns it. Several tasks
        may wait; they are served first come, first served.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            ReadTimeout: no message arrived in time; nothing is lost.
            ConnectionDisconnected: the connection is closed, and all messages were taken.
            ProtocolError: the server violated the protocol, and all messages before the violation
                were taken.
            QueueOverflow: the queue exceeded its bounds with `overflow="close"`, and all
                queued messages were taken.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveMessage, False, timeout, 0)

    def receive_text(self, timeout: float | None = None) -> Coroutine[Any, Any, str]:
        """Wait for the next message, which must be text; otherwise like `receive`.

        The result is `bytes` if the connection was opened with `decode_text=False`. With lanes
        (`text_queue_maxsize` or `binary_queue_maxsize`) it is the next text message, whatever
        binary messages came before.

        Raises:
            MessageTypeError: the next message is binary; it stays queued. Not raised with lanes.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveText, False, timeout, 0)

    def receive_bytes(self, timeout: float | None = None) -> Coroutine[Any, Any, bytes]:
        """Wait for the next message, which must be binary; otherwise like `receive`.

        With lanes it is the next binary message, whatever text messages came before.

        Raises:
            MessageTypeError: the next message is text; it stays queued. Not raised with lanes.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveBytes, False, timeout, 0)

    def receive_json(
        self, timeout: float | None = None, *, loads: Any = None, type: Any = None
    ) -> Coroutine[Any, Any, Any]:
        """Wait for the next message, text or binary, and decode it; otherwise like `receive`.

        With lanes it is the next text message. If it cannot be decoded, the decoder's error is
        raised, and the message stays queued: `receive_nowait` takes it.

        Args:
            timeout: in seconds; `None` waits without limit.
            loads: decodes the data, such as `orjson.loads`; `None` for the `loads` of `connect`.
            type: the type of the result, instead of `loads`. `pydantic` decodes its models and
                types that contain them; `msgspec`, or else `pydantic`, all others.

        Raises:
            TypeError: `loads` and `type` are both given, or no JSON becomes this type.
            ImportError: `type` is given, and the package that it needs is not installed.
        """
        self._check_thread()
        decode = decoder_of(loads, type, self._inbox._loads)
        return self._inbox.receive_decoded(ReceiveJson, False, timeout, decode)

    def receive_many(
        self, max_messages: int | None = None, timeout: float | None = None
    ) -> Coroutine[Any, Any, list[str | bytes]]:
        """Wait until messages are queued, then take them all at once.

        This is the cheapest way to receive: the messages of one socket read are returned as one
        list. Otherwise like `receive`.

        Args:
            max_messages: the largest number of messages to take; `None` for all queued messages.
            timeout: in seconds, for the first message; `None` waits without limit.
        """
        self._check_thread()
        return self._inbox.receive(ReceiveMany, False, timeout, batch_limit(max_messages))

    def receive_stream(self, timeout: float | None = None) -> MessageStream:
        """Receive the next message chunk by chunk as it arrives, whatever its size.

        `async for chunk in ws.receive_stream()` returns each chunk as `str` or `bytes`. The first
        wait for a chunk takes its turn among the other receives. Cancelling a wait loses nothing,
        and you may leave the stream at any time: see `MessageStream`. Reading pauses while more
        than `max_queue_bytes` of chunks wait. Later messages arrive after the end of this one.

        Args:
            timeout: in seconds, for each wait; `None` waits without limit.

        Raises:
            ReadTimeout: no chunk arrived in time; iterate again to continue.
            ConnectionDisconnected: the connection is closed. If it ended within the message, all
                chunks that arrived were taken.
            ProtocolError: the server violated the protocol, and all valid data before the
                violation was taken.
            MessageTooBig: the message began before a task waited for its chunks, and exceeds
                `max_message_size`, which does not limit a message that is received in chunks.
            QueueOverflow: as for `receive`.
        """
        self._check_thread()
        check_seconds("timeout", timeout)
        return MessageStream(self._loop, self._inbox, self._own_partial(), timeout)

    def receive_nowait(self) -> Received:
        """Take the next message, without waiting.

        Raises:
            asyncio.QueueEmpty: no message is queued, or those that are queued are for receives
                that came before.
            ConnectionDisconnected, ProtocolError, QueueOverflow: as for `receive`.
        """
        self._check_thread()
        message: Any = self._inbox.take_now()
        return message  # type: ignore[no-any-return]

    def peek(self) -> Received | None:
        """Return the message that `receive_nowait` would take, and leave it queued.

        Returns `None` if there is none: no message is queued, those that are queued are for
        receives that came before, or the connection has ended.
        """
        self._check_thread()
        message: Any = self._inbox.peek()
        return message  # type: ignore[no-any-return]

    @property
    def pending(self) -> Pending:
        """What has arrived and was not received: `messages` and `bytes` (characters, for text).

        Waiting chunks of `receive_stream` count in `bytes` only. Each call adds up the lengths of
        all queued messages.
        """
        self._check_thread()
        pending = self._inbox.pending()
        if self._partial is None:
            return pending
        return Pending(pending.messages, pending.bytes + self._partial.size())

    @property
    def dropped(self) -> Dropped:
        """Messages dropped since the connection was opened: `messages` and `bytes`.

        A message is dropped if it exceeds the bounds of the queue with `overflow="drop_oldest"` or
        `"drop_newest"`, if `conflate` replaces it, or if the queue has no room for it while the
        connection is closing. `bytes` counts characters, for text.
        """
        self._check_thread()
        return self._drops.counted()

    def batches(self, max_messages: int | None = None) -> Batches:
        """Iterate over lists of messages, each as `receive_many` returns it.

        Ends as iterating over the connection does.

        Args:
            max_messages: the largest number of messages in a list; `None` for no limit.
        """
        self._check_thread()
        return Batches(self._inbox, batch_limit(max_messages))

    def json(self, *, loads: Any = None, type: Any = None) -> AsyncIterator[Any]:
        """Iterate over the messages, each decoded as by `receive_json`.

        Ends as iterating over the connection does. A message that cannot be decoded ends the
        iteration with the decoder's error, and stays queued. Take it with `receive_nowait`, and
        iterate again to continue.

        Args:
            loads: as for `receive_json`.
            type: as for `receive_json`.

        Raises:
            TypeError, ImportError: as for `receive_json`.
        """
        self._check_thread()
        return Values(self._inbox, decoder_of(loads, type, self._inbox._loads))

    def _receive_protocol(self, decode: Callable[[Any], Any], timeout: float | None) -> Any:
        """Make a receive of a binary message that is decoded."""
        return self._inbox.receive_decoded(ReceiveProtocol, False, timeout, decode)

    def __aiter__(self) -> Messages:
        # Not the channel itself: for a Python subclass of a compiled class, each step would look
        # up `__anext__` by name.
        self._check_thread()
        return Messages(self._inbox)

    def _own_partial(self) -> PartialMessage:
        partial = self._partial
        if partial is None:
            partial = PartialMessage(
                self._parser, self._inbox, self._read_flow, self._max_waiting, self._max_assembled
            )
            self._partial = partial
            if self._protocol is not None:
                self._protocol.reach(partial._readers)
            if self._bounds._is_finished:
                partial.finish()
        return partial
