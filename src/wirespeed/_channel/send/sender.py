"""The sending half of a channel: puts messages and control frames into the outgoing buffer.

Does not receive.
"""

from __future__ import annotations

import asyncio
from asyncio import _get_running_loop
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias

from ..._base.rfc6455 import OPCODE_BINARY, OPCODE_PONG, OPCODE_TEXT
from ..._base.threads import wrong_thread
from ..._codec.payload import fragments
from ..turn import Turn
from ..waiter import Awaitable
from .outbox import Outbox
from .outgoing_stream import OutgoingStream, items_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ..._codec import contract
    from ..owner import ClosingState

Sending: TypeAlias = Coroutine[Any, Any, None]


class Sender:
    """The sending methods of `Channel`; it belongs to the thread of its event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        builder: contract.FrameBuilder,
        turn: Turn,
        closing: ClosingState,
    ) -> None:
        self._loop = loop
        self._thread = get_ident()
        self._outbox = Outbox(loop, builder, turn, closing)
        self._closing = closing
        # The Ping to answer once the transport has room again. Older Pings need no answer (RFC 6455
        # section 5.5.3).
        self._late_ping: bytes | None = None

    def send_text(self, text: str | Buffer, *, compress: bool | None = None) -> Sending:
        """Send a text message.

        The frame is on its way when the call returns. Awaiting the result waits for room in the
        transport, if it is full. While a stream is sent (`send_stream`), the message is held, and
        awaiting also waits for the stream's end. Safe to cancel: the message is sent in any case.

        Args:
            text: `str`, or bytes that are UTF-8.
            compress: whether to compress the message, if compression was agreed on (RFC 7692).
                `None` compresses messages not shorter than the threshold of `Deflate`.

        Raises:
            TypeError: `text` is neither `str` nor bytes-like.
            ValueError: `text` is not UTF-8, or has a lone surrogate.
            ConnectionDisconnected: the connection is closing or closed.
        """
        return self._send_frame(OPCODE_TEXT, text, compress)

    def send_bytes(self, data: Buffer, *, compress: bool | None = None) -> Sending:
        """Send a binary message; otherwise like `send_text`.

        Raises:
            TypeError: `data` is not bytes-like.
        """
        if isinstance(data, str):
            raise TypeError("data must be bytes-like, not str")
        return self._send_frame(OPCODE_BINARY, data, compress)

    def send(
        self,
        data: (
            str
            | Buffer
            | Sequence[str]
            | Sequence[Buffer]
            | Iterator[str]
            | Iterator[Buffer]
            | AsyncIterable[str]
            | AsyncIterable[Buffer]
        ),
        *,
        compress: bool | None = None,
    ) -> Sending:
        """Send a message whose type follows from the type of `data`; otherwise like `send_text`.

        Args:
            compress: as for `send_text`.
            data: `str` for a text message, bytes-like for a binary message. An iterable of either
                is sent as one fragmented message (RFC 6455 section 5.4), and is consumed at once.
                An asynchronous iterable is sent as by `send_stream`. To type checkers, a plain
                iterable is a sequence or an iterator, which a mapping is not.

        Raises:
            TypeError: `data` is none of these; nothing was sent.
            ValueError: `data` is an empty iterable; nothing was sent.
        """
        if isinstance(data, str):
            return self._send_frame(OPCODE_TEXT, data, compress)
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self._send_frame(OPCODE_BINARY, data, compress)
        try:
            # `fragments` raises `TypeError` for an asynchronous iterable.
            opcode, payloads = fragments(data)  # type: ignore[arg-type]
        except TypeError:
            # Checked here, so that other kinds of data do not pay for the check.
            if isinstance(data, Iterable) or not isinstance(data, AsyncIterable):
                raise
        else:
            return self._send_fragments(opcode, payloads, compress)
        return self.send_stream(data, compress=compress)

    def send_stream(
        self,
        items: Iterable[str] | Iterable[Buffer] | AsyncIterable[str] | AsyncIterable[Buffer],
        *,
        compress: bool | None = None,
    ) -> Sending:
        """Send one message while it is made: each item is sent as a fragment when it is available.

        The next item is requested when the transport has room, so the whole message may be larger
        than memory (RFC 6455 section 5.4). Nothing is sent before the result is awaited.

        From the first fragment to the last, other messages are held; they are sent afterwards, in
        the order of their sends. Pings, Pongs and Close do not wait. A second stream waits for the
        end of the first. `close` does not wait: after it, the stream raises
        `ConnectionDisconnected` at its next item.

        If the iterable raises, an item cannot be sent or this is cancelled after the first
        fragment, the message cannot be finished, and the connection fails with 1011. Before the
        first fragment nothing was sent, and the connection continues, so cancelling is safe. An
        asynchronous iterator that has `aclose` is closed in any case.

        Args:
            items: `str` items for a text message, or bytes-like items for a binary message. An
                empty iterable sends nothing; an empty item sends an empty fragment.
            compress: whether to compress the message, if compression was agreed on (RFC 7692).
                `None` compresses it if its first item is not shorter than the threshold of
                `Deflate`.

        Raises:
            TypeError: `items` is not an iterable of items, or an item is neither `str` nor
                bytes-like, or of the other type than the first item.
            ValueError: an item has a lone surrogate.
            RuntimeError: the send is awaited inside the iterable of another stream.
            ConnectionDisconnected: the connection is closing or closed.
            Exception: any error of the iterable.
        """
        self._require_open()
        return self._send_items(items_of(items), compress)

    async def _send_items(self, items: AsyncIterator[Any], compress: bool | None) -> None:
        outbox = self._outbox
        stream = OutgoingStream(outbox, compress)
        is_dropped = False
        try:
            while True:
                self._require_open()
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    break
                payload = stream.payload_of(item)
                if not stream.may_send():
                    # Copied, because the caller may change its buffer during the wait.
                    payload = bytes(payload)
                    while not stream.may_send():
                        await outbox.behind()
                self._require_open()
                await stream.send(payload)
            self._require_open()
            await stream.end()
        except GeneratorExit:
            is_dropped = True
            raise
        finally:
            if stream.leave():
                self._closing.message_unfinished()
            # A coroutine that is dropped cannot await anything.
            if not is_dropped and hasattr(items, "aclose"):
                await items.aclose()

    def flush(self) -> Sending:
        """Write at once what was gathered in this turn of the event loop.

        Needed only before the event loop is stopped from outside, or to send a message before long
        work that does not suspend. Awaiting it waits for room in the transport, and for messages
        that are held behind a stream. Safe to cancel.
        """
        self._check_thread()
        return self._outbox.drained()

    def _send_frame(
        self, opcode: int, payload: contract.Payload, compress: bool | None
    ) -> Awaitable:
        self._check_thread()
        outbox = self._outbox
        if not outbox._tick_is_open:
            self._check_loop()
        if outbox._refusal is not None:
            outbox.check_open()
        if outbox._is_plain:
            return outbox.send(opcode, payload, True, False)
        return outbox.send_message(opcode, payload, compress, False)

    def _send_fragments(
        self, opcode: int, payloads: list[bytes], compress: bool | None
    ) -> Awaitable:
        """Send one message with a frame for each payload, nothing in between."""
        self._require_open()
        return self._outbox.send_fragments(opcode, payloads, compress)

    def _send_some(
        self, messages: Iterator[str | Buffer], compress: bool | None
    ) -> Awaitable | None:
        """Send from an iterator into one buffer.

        Returns:
            `None` at the end of the iterator, else the wait before the next call.
        """
        self._check_thread()
        self._check_loop()
        outbox = self._outbox
        settled = outbox._settled
        outbox.begin_batch()
        try:
            for message in messages:
                if outbox._refusal is not None:
                    outbox.check_open()
                is_text = isinstance(message, str)
                opcode = OPCODE_TEXT if is_text else OPCODE_BINARY
                if outbox._is_plain:
                    wait = outbox.send(opcode, message, True, True)
                else:
                    wait = outbox.send_message(opcode, message, compress, True)
                if wait is not settled:
                    return wait
        finally:
            outbox.end_batch()
        return None

    def _send_control(self, opcode: int, payload: bytes) -> Awaitable:
        self._require_open()
        return self._outbox.send_control(opcode, payload, False)

    def _answer_ping(self, payload: bytes) -> None:
        if self._outbox.refuses_sends():
            return
        if self._outbox.is_paused():
            self._late_ping = payload
        else:
            self._outbox.send_control(OPCODE_PONG, payload, True)

    def _on_resume_writing(self) -> None:
        self._outbox.resume_writing()
        if self._late_ping is not None and not self._outbox.is_paused():
            payload = self._late_ping
            self._late_ping = None
            self._answer_ping(payload)
        self._outbox.wake_senders()

    def _require_own_thread(self) -> None:
        self._check_thread()

    def _check_thread(self) -> None:
        if get_ident() != self._thread:
            raise wrong_thread()

    def _check_loop(self) -> None:
        """Raise if another event loop runs: it would not end the turn, and nothing would leave."""
        if self._outbox._in_wake:
            return
        running = _get_running_loop()
        if running is not None and running is not self._loop:
            raise RuntimeError("a connection may only be used in its own event loop")

    def _require_open(self) -> None:
        self._check_thread()
        self._check_loop()
        self._outbox.check_open()
