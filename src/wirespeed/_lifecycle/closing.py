"""How a connection ends: the closing handshake, faults, lost transports, and what is told of it.

Must not know what is sent and received until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import warnings
from typing import TYPE_CHECKING, Any

from .._base.arguments import check_seconds
from .._base.close_info import CloseCause, CloseInfo
from .._base.latency import Latency
from .._base.rfc6455 import MAX_CLOSE_REASON_BYTES, OPCODE_CLOSE, CloseCode, is_sendable_close_code
from .._codec import backend
from ..exceptions import ConnectionDisconnected, IdleTimeout, ProtocolError, QueueOverflow

if TYPE_CHECKING or not backend.COMPILED:
    from .._channel import Channel
else:
    from .._channel_c import Channel

logger = logging.getLogger("wirespeed")

# A close that says that all is well, and so ends an iteration without an error.
_CLEAN_CLOSE_CODES = frozenset(
    {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RECEIVED}
)
# How long the Close frame may take to leave when the peer is given up: transports that write
# at the end of a turn of the event loop need one turn.
LAST_WORD_SECONDS = 0.01
UNFINISHED_REASON = "error in fragmented message"


class ClosingChannel(Channel):
    """A channel that knows how to end; the base of `WebSocketConnection`."""

    __slots__ = (
        "_cause",
        "_close_received",
        "_close_sent",
        "_close_timeout",
        "_deadline",
        "_fault",
        "_given_up_for",
        "_gone",
        "_is_lost",
        "_latency",
        "_lost_cause",
        "_shown_url",
        "_unsent_bytes",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *args: Any,
        close_timeout: float | None,
        **kwargs: Any,
    ) -> None:
        check_seconds("close_timeout", close_timeout)
        super().__init__(loop, *args, **kwargs)
        self._close_timeout = close_timeout
        self._deadline: asyncio.TimerHandle | None = None
        self._close_sent: tuple[int, str] | None = None
        self._close_received: tuple[int, str] | None = None
        self._cause: CloseCause | None = None
        self._fault: ProtocolError | QueueOverflow | None = None
        # Why the peer was given up, in words.
        self._given_up_for = ""
        self._is_lost = False
        self._lost_cause: Exception | None = None
        self._latency: Latency | None = None
        # Counted when the transport was dropped.
        self._unsent_bytes = 0
        # For the log; `None` if there was none when the connection was opened.
        self._shown_url: str | None = None
        # Made for the first who waits.
        self._gone: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "closed" if self._is_lost else "closing" if self.closed else "open"
        return f"<{type(self).__name__} {state}>"

    def __del__(self) -> None:
        # The event loop does not hold it: nobody uses it any more, or the loop is closed.
        if getattr(self, "_is_lost", True) or self._transport is None:
            return
        own = self._transport.get_extra_info("socket")
        if own is None:
            return
        try:
            warnings.warn(
                f"unclosed connection {self!r}", ResourceWarning, stacklevel=1, source=self
            )
        finally:
            if not self._loop.is_closed():
                # This may run in any thread, and inside of anything.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self.abort)
            elif isinstance(own, socket.socket):
                # Transports of the event loop see to theirs.
                own.close()

    # -- what is known of it -----------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether closing has begun, on either side; nothing more can be sent."""
        return self._sending_over

    @property
    def close_code(self) -> int | None:
        """The close code, `None` while the connection is open.

        What the server's Close frame said (1005: no code); else the code with which a
        malformed stream, or a full queue (1008), was answered; else 1006 for a connection
        lost without a Close frame.
        """
        if self._close_received is not None:
            return self._close_received[0]
        if self._fault is not None:
            return int(self._fault.close_code)
        return int(CloseCode.ABNORMAL_CLOSURE) if self._reading_over else None

    @property
    def close_reason(self) -> str | None:
        """The close reason that goes with `close_code`, `None` while the connection is open."""
        if self._close_received is not None:
            return self._close_received[1]
        if self._fault is not None:
            return str(self._fault)
        return "" if self._reading_over else None

    @property
    def close_info(self) -> CloseInfo | None:
        """How the connection ended, `None` until nothing more is received.

        Each access makes a new record: what is unread changes as it is taken.
        """
        if self._cause is None or not self._reading_over:
            return None
        unread = self.pending
        return CloseInfo(
            cause=self._cause,
            received=self._close_received,
            sent=self._close_sent,
            latency=None if self._latency is None else self._latency.last,
            unsent_bytes=self._unsent_bytes if self._is_lost else self._count_unsent(),
            unread_messages=unread.messages,
            unread_bytes=unread.bytes,
        )

    def _count_unsent(self) -> int:
        """Count the bytes that were sent and are not on their way yet."""
        unsent = self._outbox.gathered()
        transport: Any = self._transport
        # Not every transport can tell, least of all one that has ended.
        with contextlib.suppress(Exception):
            unsent += transport.get_write_buffer_size()
        return unsent

    # -- closing -----------------------------------------------------------------------

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection with the closing handshake (RFC 6455 section 7.1.2).

        Returns when the transport is gone, after `close_timeout` seconds at the latest.
        What is received until then stays readable while the queue has room. Closing
        goes on if this is cancelled, and a second call waits for the first.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
            reason: at most 123 bytes in UTF-8.

        Raises:
            TypeError, ValueError: code or reason cannot be sent; nothing has changed.
        """
        self._start_closing(code, reason)
        await self.wait_closed()

    def _start_closing(self, code: int, reason: str) -> None:
        """Do the part of `close` that does not wait; the rest happens by itself."""
        self._require_own_thread()
        check_close(code, reason)
        self._begin_closing(CloseCause.CLOSE, code, reason)

    def _begin_closing(self, cause: CloseCause, code: int, reason: str) -> None:
        if not self._sending_over:
            self._begin_to_end(cause)
            self._discarding = True
            self._read_to_the_end()
            self._send_close(code, reason)
        self._start_deadline()

    def abort(self) -> None:
        """Drop the transport at once, without a closing handshake.

        Waiting receives end with `ConnectionDisconnected`, as do later ones after the messages
        that arrived before. `wait_closed` waits until the socket is closed.
        """
        self._require_own_thread()
        self._end_now()
        if self._is_lost:
            return
        self._begin_to_end(CloseCause.ABORT)
        self._sending_over = True
        self._abort()
        if not self._reading_over:
            self._end_reading()

    async def wait_closed(self) -> None:
        """Wait until the transport is gone, whoever closes it and why; it never raises.

        Safe to cancel.
        """
        if self._is_lost:
            return
        if self._gone is None:
            self._gone = self._loop.create_future()
            if self._protocol is not None:
                self._protocol.reach(self._gone)
        # Shielded: the future is shared by all who wait.
        await asyncio.shield(self._gone)

    def _begin_to_end(self, cause: CloseCause) -> None:
        """Note what ends the connection, if nothing has before."""
        if self._cause is None:
            self._cause = cause
            if self._protocol is not None:
                self._protocol.hold(self)

    def _send_close(self, code: int, reason: str) -> None:
        """Send the Close frame; 1005 stands for one without a code."""
        payload = b""
        if code != CloseCode.NO_STATUS_RECEIVED:
            payload = code.to_bytes(2, "big") + reason.encode()[:MAX_CLOSE_REASON_BYTES]
        self._sending_over = True
        self._close_sent = (int(code), reason)
        self._outbox.send_control(OPCODE_CLOSE, payload, False)
        self._outbox.flush()
        self._outbox.refuse_held(self._disconnected)

    def _start_deadline(self) -> None:
        """Abort after `close_timeout` seconds, whatever the peer does until then."""
        if self._deadline is None and not self._is_lost and self._close_timeout is not None:
            self._deadline = self._loop.call_later(self._close_timeout, self._abort)

    def _abort(self) -> None:
        if self._transport is not None:
            # Transports forget it.
            self._unsent_bytes = self._count_unsent()
            self._transport.abort()

    # -- how it ends -------------------------------------------------------------------

    def _end_reading(self) -> None:
        """Let receives end after the messages that are queued, and closing take its time."""
        self._start_deadline()
        self._finish_receiving(self._end_of_messages)

    def _give_up(self, cause: CloseCause, reason: str) -> None:
        """Fail the connection because of a silent peer (RFC 6455 section 7.1.7).

        It is not waited for, but told: it may be there, and only be mute.
        """
        self._end_now()
        if self._sending_over:
            return
        self._begin_to_end(cause)
        self._given_up_for = reason
        self._send_close(CloseCode.INTERNAL_ERROR, reason)
        self._deadline = self._loop.call_later(LAST_WORD_SECONDS, self._abort)
        self._end_reading()

    def _on_close_frame(self, code: int, reason: str) -> None:
        self._begin_to_end(CloseCause.PEER_CLOSE)
        self._close_received = (code, reason)
        if not self._sending_over:
            self._send_close(code, reason)
        # The server closes the TCP connection first (RFC 6455 section 7.1.1).
        self._end_reading()

    def _on_fault(self, fault: ProtocolError | QueueOverflow) -> None:
        is_overflow = isinstance(fault, QueueOverflow)
        self._begin_to_end(CloseCause.QUEUE_OVERFLOW if is_overflow else CloseCause.PROTOCOL_ERROR)
        self._fault = fault
        if not self._sending_over:
            self._send_close(fault.close_code, str(fault))
        # Closing at once could reset the connection before the server has read our Close
        # frame; what it still sends is discarded until it closes, or the deadline.
        transport = self._transport
        if transport is not None and transport.can_write_eof() and not self._outbox.is_paused():
            transport.write_eof()
        self._end_reading()

    def _on_unfinished_message(self) -> None:
        # Nothing may follow but the rest of the message (RFC 6455 section 5.4). A coroutine that
        # is dropped may come here when the loop is closed.
        if not self._loop.is_closed():
            code = CloseCode.INTERNAL_ERROR
            self._begin_closing(CloseCause.UNFINISHED_MESSAGE, code, UNFINISHED_REASON)

    def _on_eof(self) -> None:
        self._end_now()
        self._begin_to_end(CloseCause.PEER_EOF)
        self._sending_over = True
        self._outbox.refuse_held(self._disconnected)
        self._end_reading()

    def _on_lost(self, exc: Exception | None) -> None:
        self._read_flow.detach()
        self._end_now()
        self._begin_to_end(CloseCause.NETWORK_ERROR)
        self._is_lost = True
        self._lost_cause = exc
        self._sending_over = True
        self._unsent_bytes = max(self._unsent_bytes, self._count_unsent())
        self._outbox.detach(self._disconnected)
        if not self._reading_over:
            self._end_reading()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._tell_of_end()

    def _tell_of_end(self) -> None:
        """Log the end once, if the opening was logged."""
        if self._is_lost and self._shown_url is not None:
            logger.info("closed %s: %s", self._shown_url, self.close_info)

    def _refuse_to_send(self) -> None:
        raise self._disconnected()

    def _end_of_messages(self, ends_iteration: bool) -> BaseException:
        """Make the error of a receive that comes after the last message."""
        if self._fault is not None:
            return type(self._fault)(*self._fault.args)
        if ends_iteration and self.close_code in _CLEAN_CLOSE_CODES:
            return StopAsyncIteration()
        return self._disconnected()

    def _disconnected(self) -> ConnectionDisconnected:
        code = self.close_code
        if code is None:
            text = "connection is closing"
        elif self._fault is not None:
            text = f"connection was closed with code {code} after an error: {self._fault}"
        elif self._close_received is not None:
            text = f"connection is closed with code {code}"
            text += f": {self.close_reason!r}" if self.close_reason else ""
        elif self._given_up_for:
            text = f"connection was given up: {self._given_up_for}"
        elif self._cause is CloseCause.ABORT:
            text = "connection was aborted"
        else:
            text = "connection was lost without a Close frame (RFC 6455 section 7.1.5)"
        idle = self._cause is CloseCause.IDLE_TIMEOUT
        error = (IdleTimeout if idle else ConnectionDisconnected)(
            text,
            code=int(CloseCode.ABNORMAL_CLOSURE) if code is None else code,
            reason=self.close_reason or "",
            received=self._close_received,
            sent=self._close_sent,
            info=self.close_info,
        )
        error.__cause__ = self._fault or self._lost_cause
        return error


def check_close(code: int, reason: str) -> None:
    """Refuse what no Close frame may say (RFC 6455 sections 5.5 and 7.4).

    Raises:
        TypeError, ValueError: code or reason cannot be sent.
    """
    if not isinstance(code, int):
        raise TypeError(f"close code must be an int, not {type(code).__name__}")
    if not isinstance(reason, str):
        raise TypeError(f"close reason must be a str, not {type(reason).__name__}")
    if not is_sendable_close_code(code):
        raise ValueError(f"close code {int(code)} must not be sent (RFC 6455 section 7.4)")
    size = len(reason.encode())
    if size > MAX_CLOSE_REASON_BYTES:
        raise ValueError(
            f"close reason is {size} bytes, limit is {MAX_CLOSE_REASON_BYTES}"
            " (RFC 6455 section 5.5)"
        )
