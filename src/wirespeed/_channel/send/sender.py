"""The sending half of a channel: messages and control frames, to the outgoing buffer.

Must not know what is received, nor when a connection ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias

from ..._base.rfc6455 import OPCODE_BINARY, OPCODE_PONG, OPCODE_TEXT
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
    """What `Channel` sends with; it belongs to the thread of its event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        builder: contract.FrameBuilder,
        turn: Turn,
        closing: ClosingState,
    ) -> None:
        self._loop = loop
        self._thread = get_ident()
        self._outbox = Outbox(loop, builder, turn)
        self._closing = closing
        # The Ping to answer once the transport has room again; older ones need no
        # answer (RFC 6455 section 5.5.3).
        self._late_ping: bytes | None = None

    def send_text(self, text: str | Buffer, *, compress: bool | None = None) -> Sending:
        """Send a text message.

        The frame is on its way when the call returns; awaiting the result waits for room
        in the transport, if it is full. While a stream is sent (`send_stream`) the message is
        held, and awaiting waits for the stream's end, too. Safe to cancel: it is sent in any
        case.

        Args:
            text: `str`, or bytes that are UTF-8.
            compress: whether to compress the message if compression was agreed on (RFC 7692);
                `None`: if it is not shorter than the threshold of `Deflate`.

        Raises:
            TypeError: `text` is neither `str` nor bytes-like.
            ValueError: it is not UTF-8, or holds a lone surrogate.
            ConnectionDisconnected: the connection is closing or closed.
        """
        return self._send_frame(OPCODE_TEXT, text, compress)

    def send_bytes(self, data: Buffer, *, compress: bool | None = None) -> Sending:
        """Send a binary message; else as `send_text`.

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
            | Iterable[str]
            | Iterable[Buffer]
            | AsyncIterable[str]
            | AsyncIterable[Buffer]
        ),
        *,
        compress: bool | None = None,
    ) -> Sending:
        """Send a message whose type follows from the type of `data`; else as `send_text`.

        Args:
            compress: as for `send_text`.
            data: `str` for a text message, bytes-like for a binary one, an iterable of
                either for one fragmented message (RFC 6455 section 5.4): it is consumed at
                once, and an empty one sends nothing. An asynchronous iterable is sent as by
                `send_stream`.

        Raises:
            TypeError: `data` is none of these; nothing was sent.
        """
        if isinstance(data, str):
            return self._send_frame(OPCODE_TEXT, data, compress)
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self._send_frame(OPCODE_BINARY, data, compress)
        try:
            # An asynchronous iterable is a fault to it, which is looked at below.
            opcode, payloads = fragments(data)  # type: ignore[arg-type]
        except TypeError:
            # Asked here, it costs the others nothing.
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
        """Send one message while it is made: each item leaves as a fragment when it is there.

        An item is asked for when the transport has room for more, so an iterable may be larger
        than memory (RFC 6455 section 5.4). Nothing happens before the result is awaited.

        From the first fragment to the last, other messages are held, and leave after it in the
        order of their sends; Pings, Pongs and Close do not wait. A second stream waits for the
        end of the first. `close` does not: the stream then ends with `ConnectionDisconnected`
        at its next item.

        A message that was begun and cannot be finished, because the iterable raises, an item
        cannot be sent or this is cancelled, fails the connection with 1011. Before the first
        fragment nothing was sent, and the connection goes on: cancelling is safe then. An
        asynchronous iterator is closed in any case (`aclose`), if it can be.

        Args:
            items: all `str` for a text message, or all bytes-like for a binary one; an empty
                iterable sends nothing, an empty item an empty fragment.
            compress: whether to compress the message if compression was agreed on (RFC 7692);
                `None`: if its first item is not shorter than the threshold of `Deflate`.

        Raises:
            TypeError: `items` is no iterable, or an item is neither or not what the first was.
            ValueError: an item holds a lone surrogate.
            RuntimeError: it is awaited inside the iterable of another stream.
            ConnectionDisconnected: the connection is closing or closed.
            Exception: what the iterable raises.
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
                    # Nobody is to change it while it waits.
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
            # Nothing can be awaited in a coroutine that is dropped.
            if not is_dropped and hasattr(items, "aclose"):
                await items.aclose()

    def flush(self) -> Sending:
        """Write at once what this loop tick has gathered; awaiting it waits for room.

        Needed only before the event loop is stopped from outside, or to get a message out
        before long work that does not suspend. Awaiting it waits for messages that are held
        behind a stream, too. Safe to cancel.
        """
        self._check_thread()
        return self._outbox.drained()

    def _send_frame(
        self, opcode: int, payload: contract.Payload, compress: bool | None
    ) -> Awaitable:
        self._check_thread()
        outbox = self._outbox
        if outbox._refusal is not None:
            outbox.check_open()
        if outbox._is_plain:
            return outbox.send(opcode, payload, True, False)
        return outbox.send_message(opcode, payload, compress, False)

    def _send_fragments(
        self, opcode: int, payloads: list[bytes], compress: bool | None
    ) -> Awaitable:
        """Send one message, a frame for each payload, with nothing in between."""
        self._require_open()
        return self._outbox.send_fragments(opcode, payloads, compress)

    def _send_some(
        self, messages: Iterator[str | Buffer], compress: bool | None
    ) -> Awaitable | None:
        """Send from an iterator into one buffer; `None` at its end, else what to await first."""
        self._check_thread()
        outbox = self._outbox
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
                if wait is not outbox.settled():
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
            raise RuntimeError("a connection may only be used in the thread of its event loop")

    def _require_open(self) -> None:
        self._check_thread()
        self._outbox.check_open()
