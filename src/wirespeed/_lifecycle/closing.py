"""Closes a connection: the state of closing, the steps of its transitions, and the result.

`closing_table` has the transitions. This module carries them out, and reports how the connection
ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .._base.arguments import check_seconds
from .._base.close_info import CloseCause, CloseInfo
from .._base.rfc6455 import MAX_CLOSE_REASON_BYTES, OPCODE_CLOSE, CloseCode
from ..exceptions import ConnectionDisconnected, IdleTimeout, ProtocolError, QueueOverflow
from .close_frame import check_close
from .closing_table import TABLE, Event, News, State, Step
from .deadline import Deadline
from .ending import Ending
from .timer import Timer
from .watch import Watch

if TYPE_CHECKING:
    from .._channel import Channel

logger = logging.getLogger("wirespeed")

# Close codes that end an iteration without an error.
_CLEAN_CLOSE_CODES: Final = frozenset(
    {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RECEIVED}
)
_SILENCES: Final = frozenset(
    {CloseCause.PING_TIMEOUT, CloseCause.IDLE_TIMEOUT, CloseCause.HEARTBEAT_TIMEOUT}
)
# How many turns of the event loop the program gets to answer the messages before the peer's end.
PATIENCE_TURNS = 4
# The time for the Close frame to be sent to a peer that does not answer: transports that write at
# the end of a turn of the event loop need one turn.
LAST_WORD_SECONDS = 0.01
UNFINISHED_REASON = "error in fragmented message"


class Closing:
    """The state of closing of one connection. The connection's channel has a reference to it.

    The channel, the watch and the program report events. `closing_table.TABLE` has the next state
    and the steps for each event.

    Attributes:
        channel: the connection's data path.
        watch: the timers that monitor the peer; they stop when receiving ends.
        state: how far closing has come.
        cause: the cause of the connection's end; `None` before.
        close_sent: code and reason of the Close frame that was sent; `None` if none was.
        close_received: code and reason of the peer's Close frame; `None` if none arrived.
        on_peer_close: if set, it is called once the messages before the peer's Close frame are
            handed on. The frame is then not answered until `answer_peer` is called.
        translate: if set, converts the error of sends and receives after the end.
        make_end: if set, makes every such error; its flag is whether the error ends an iteration.
        ends_with_transport: whether receives end only when the transport is closed.
        timed_out: whether the transport was dropped because closing took too long.
    """

    __slots__ = (
        "__weakref__",
        "_close_timeout",
        "_deadline",
        "_ending",
        "_fault",
        "_lost_for",
        "_peer_end",
        "_unsent_bytes",
        "_write_error",
        "cause",
        "channel",
        "close_received",
        "close_sent",
        "ends_with_transport",
        "make_end",
        "on_peer_close",
        "state",
        "timed_out",
        "translate",
        "watch",
    )

    channel: Channel

    def __init__(self, watch: Watch, close_timeout: float | None) -> None:
        check_seconds("close_timeout", close_timeout)
        self.watch = watch
        self._close_timeout = close_timeout
        self.state = State.OPEN
        self.cause: CloseCause | None = None
        self.close_sent: tuple[int, str] | None = None
        self.close_received: tuple[int, str] | None = None
        self.on_peer_close: Callable[[], object] | None = None
        self.translate: Callable[[ConnectionDisconnected], Exception] | None = None
        self.make_end: Callable[[Closing, bool], Exception] | None = None
        self.ends_with_transport = False
        self.timed_out = False
        self._deadline: Deadline | Timer[Closing] | None = None
        self._fault: ProtocolError | QueueOverflow | None = None
        # The Close frame or fault that was read and not yet acted on.
        self._peer_end: News | None = None
        self._lost_for: Exception | None = None
        self._write_error: OSError | None = None
        # Counted when the transport is closed.
        self._unsent_bytes = 0
        self._ending = Ending()

    # -- events ------------------------------------------------------------------------

    def opened(self) -> None:
        """Note that the connection is open, and start the timers that monitor the peer."""
        self.watch.start(self)

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake (RFC 6455 section 7.1.2), which continues in the background.

        Raises:
            TypeError, ValueError: `code` or `reason` cannot be sent; nothing has changed.
        """
        check_close(code, reason)
        self._on(Event.CLOSE, News(CloseCause.CLOSE, code, reason))

    def abort(self) -> None:
        """Close the transport without a closing handshake."""
        self._on(Event.ABORT, News(CloseCause.ABORT))

    def give_up(self, cause: CloseCause, reason: str) -> None:
        """Fail the connection because of a silent peer (RFC 6455 section 7.1.7)."""
        self._on(Event.GIVE_UP, News(cause, reason=reason))

    def message_unfinished(self) -> None:
        """Close the connection: no message can follow an unfinished one (RFC 6455 section 5.4)."""
        # A dropped coroutine may call this when the loop is closed.
        if not self.channel._loop.is_closed():
            self._on(Event.CLOSE, News(CloseCause.UNFINISHED_MESSAGE, reason=UNFINISHED_REASON))

    def peer_ended(self, fault: ProtocolError | None, close: tuple[int, str] | None) -> None:
        """Note a fault or a Close frame, before the messages ahead of it are handed on."""
        if fault is not None:
            news = _news_of(CloseCause.PROTOCOL_ERROR, fault)
        elif close is not None:
            news = News(CloseCause.PEER_CLOSE, *close, close=close)
        else:
            return
        self._on(Event.PEER_END, news)

    def hand_on(self, turns: int = PATIENCE_TURNS) -> None:
        """Act on the peer's end, after the program had time to answer the messages before it.

        After our Close frame, nothing can be sent. A task that is not woken in place, or that hands
        messages to other tasks, therefore gets a few turns of the event loop.
        """
        if turns and self.state is State.ANSWERING and self.channel._has_queued():
            self.channel._loop.call_soon(self.hand_on, turns - 1)
        elif self._leaves_answer_to_program():
            self.channel._finish_receiving(self.end_of_messages)
        else:
            self.answer_peer()

    def answer_peer(self, code: int | None = None) -> None:
        """Act on the peer's end now.

        Args:
            code: what to answer a Close frame with; `None` for the peer's own code and reason.
        """
        end = self._peer_end
        if code is not None and end is not None and end.close is not None:
            self._peer_end = replace(end, code=code, reason="")
        self._on(Event.HANDED_ON, News(CloseCause.PEER_CLOSE))

    def overflowed(self, fault: QueueOverflow) -> None:
        """Fail the connection: the receive queue is full."""
        self._on(Event.OVERFLOW, _news_of(CloseCause.QUEUE_OVERFLOW, fault))

    def fail(self, fault: ProtocolError) -> None:
        """Fail the connection because of what the program found in the peer's messages."""
        self._on(Event.OVERFLOW, _news_of(CloseCause.PROTOCOL_ERROR, fault))

    def eof_received(self) -> None:
        """Note that the peer has ended the stream."""
        self._on(Event.EOF, News(self._cause_after(self._write_error, CloseCause.PEER_EOF)))

    def write_failed(self, error: OSError | None) -> None:
        """Note that nothing more can be written, although there may be more to read.

        Args:
            error: the error of a write; `None` if the transport was lost for another reason.
        """
        if self._write_error is None:
            self._write_error = error
        self._on(Event.WRITE_FAILED, News(CloseCause.NETWORK_ERROR))

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the transport is closed."""
        if self.state is not State.CLOSED:
            self._lost_for = error
        self._on(Event.LOST, News(self._cause_after(error, CloseCause.NETWORK_ERROR)))

    def _cause_after(self, error: Exception | None, cause: CloseCause) -> CloseCause:
        """Return the cause of an end that would have `cause` without the error of a write."""
        # A write that meets a reset takes the error away: reads then see an end of the stream.
        # Where the peer had ended the stream before, the write gets EPIPE instead.
        if error is None:
            return cause
        is_end = isinstance(error, BrokenPipeError)
        return CloseCause.PEER_EOF if is_end else CloseCause.NETWORK_ERROR

    def _on(self, event: Event, news: News) -> None:
        """Carry out the table's transition for `event`."""
        state, after = TABLE[self.state][event]
        # Made before the state changes: in the new state nobody would take the steps any more.
        steps = iter(after)
        self.state = state
        for step in steps:
            try:
                news = _DO[step](self, news) or news
            except MemoryError:
                # Everyone who waits depends on all the steps, and each can be repeated. An attempt
                # that fails may have freed enough for the next.
                news = _DO[step](self, news) or news

    def _leaves_answer_to_program(self) -> bool:
        """Return whether the program is to answer the peer's Close frame; if so, notify it."""
        end = self._peer_end
        if self.on_peer_close is None or self.state is not State.ANSWERING:
            return False
        if end is None or end.close is None:
            return False
        self.close_received = end.close
        self.on_peer_close()
        return True

    # -- steps -------------------------------------------------------------------------

    def _note_cause(self, news: News) -> None:
        if self.cause is None:
            if self.channel._protocol is not None:
                self.channel._protocol.hold(self.channel)
            self.cause = news.cause

    def _keep_end(self, news: News) -> None:
        self._peer_end = news

    def _follow(self, news: News) -> News:
        """Record the peer's end, and return its news, which the steps after it use."""
        end = self._peer_end or news
        self._note_cause(end)
        self._peer_end = None
        self._fault = end.fault
        self.close_received = end.close
        return end

    def _fail(self, news: News) -> None:
        self._fault = news.fault

    def _refuse_sends(self, news: News) -> None:
        self.channel._outbox.refuse(self.disconnected)

    def _send_close(self, news: News) -> None:
        """Send the Close frame; 1005 stands for one without a code."""
        if self.close_sent is not None or self.channel._outbox.refuses_sends():
            return
        code, reason = news.code, news.reason
        payload = b""
        if code != CloseCode.NO_STATUS_RECEIVED:
            payload = code.to_bytes(2, "big") + reason.encode()[:MAX_CLOSE_REASON_BYTES]
        self.close_sent = (int(code), reason)
        outbox = self.channel._outbox
        try:
            outbox.send_control(OPCODE_CLOSE, payload, False)
            outbox.flush()
        except MemoryError:
            # This step is repeated.
            self.close_sent = None
            raise
        outbox.refuse(self.disconnected)

    def _half_close(self, news: News) -> None:
        # Closing at once could reset the connection before the peer has read our Close frame. Until
        # the peer closes, or the deadline, what it sends is discarded.
        transport = self.channel._transport
        if self._fault is None or transport is None or self.channel._outbox.is_paused():
            return
        if transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()

    def _read_on(self, news: News) -> None:
        self.channel._read_to_the_end()

    def _start_deadline(self, news: News) -> None:
        if self._deadline is None and self._close_timeout is not None:
            self._deadline = Deadline(self.channel, self._close_timeout, self._expire)

    def _drop_soon(self, news: News) -> None:
        timer = Timer(self.channel._loop, self)
        timer.after(LAST_WORD_SECONDS, Closing._expire)
        self._deadline = timer

    def _expire(self) -> None:
        self.timed_out = True
        self._on(Event.DEADLINE, News(CloseCause.CLOSE))

    def _drop_transport(self, news: News) -> None:
        if self.channel._transport is not None:
            # After `abort`, transports do not report it any more.
            self._unsent_bytes = self._count_unsent()
            self.channel._transport.abort()

    def _end_receiving(self, news: News) -> None:
        self.watch.stop()
        if self.state is not State.CLOSED:
            # The peer should close the TCP connection first (RFC 6455 section 7.1.1). The deadline
            # limits how long this takes.
            self._start_deadline(news)
            if self.ends_with_transport:
                self.channel._read_to_the_end(ignoring=True)
                return
        self._finish_receiving()

    def _finish_receiving(self) -> None:
        self.channel._finish_receiving(self.end_of_messages)
        self.watch.end_pongs(self.end_of_messages)

    def _stop_writing(self, news: News) -> None:
        self._unsent_bytes = max(self._unsent_bytes, self._count_unsent())
        self.channel._outbox.detach()

    def _detach(self, news: News) -> None:
        self.channel._read_flow.detach()
        self._stop_writing(news)

    def _release(self, news: News) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._ending.come()
        opened = self.channel._opened
        if opened is not None and opened.shown_url is not None:
            logger.info("closed %s: %s", opened.shown_url, self.close_info)
        self.watch.fail_pings(self.disconnected)
        if self.ends_with_transport:
            self._finish_receiving()

    # -- how it ended ------------------------------------------------------------------

    async def wait_closed(self) -> None:
        """Wait until the transport is closed. Safe to cancel."""
        if self.state is not State.CLOSED:
            await self._ending.wait(self.channel)

    def gone(self) -> asyncio.Future[None]:
        """Return the future that is done when the transport is closed; it is shared."""
        return self._ending.future(self.channel)

    @property
    def failure(self) -> Exception | None:
        """The error that ended the connection; `None` if there was none."""
        return self._fault or self._lost_for or self._write_error

    @property
    def refuses_sends(self) -> bool:
        """Whether nothing more can be sent."""
        return self.state >= State.READ_ONLY

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is received."""
        return self.state >= State.ENDED

    @property
    def close_code(self) -> int | None:
        """The close code, `None` while the connection is open."""
        if self.close_received is not None:
            return self.close_received[0]
        if self._fault is not None:
            return int(self._fault.close_code)
        return int(CloseCode.ABNORMAL_CLOSURE) if self.has_ended else None

    @property
    def close_reason(self) -> str | None:
        """The close reason that goes with `close_code`, `None` while the connection is open."""
        if self.close_received is not None:
            return self.close_received[1]
        if self._fault is not None:
            return str(self._fault)
        return "" if self.has_ended else None

    @property
    def close_info(self) -> CloseInfo | None:
        """How the connection ended; `None` while messages can still arrive."""
        if self.cause is None or not self.has_ended:
            return None
        unread = self.channel.pending
        latency = self.watch.latency
        is_stopped = self.state is State.CLOSED or self._write_error is not None
        return CloseInfo(
            cause=self.cause,
            received=self.close_received,
            sent=self.close_sent,
            latency=None if latency is None else latency.last,
            unsent_bytes=self._unsent_bytes if is_stopped else self._count_unsent(),
            unread_messages=unread.messages,
            unread_bytes=unread.bytes,
            write_error=self._write_error,
        )

    def _count_unsent(self) -> int:
        """Count the bytes of sends that the operating system has not taken."""
        unsent = self.channel._outbox.gathered()
        transport: Any = self.channel._transport
        # Not every transport reports this, in particular not after its end.
        with contextlib.suppress(Exception):
            unsent += transport.get_write_buffer_size()
        return unsent

    def end_of_messages(self, ends_iteration: bool = False) -> Exception:
        """Make the error of a receive that comes after the last message.

        Args:
            ends_iteration: whether it is a step of an iteration, which ends at a clean close.
        """
        if self.make_end is not None:
            return self.make_end(self, ends_iteration)
        if self._fault is not None:
            return type(self._fault)(*self._fault.args)
        if ends_iteration and self.close_code in _CLEAN_CLOSE_CODES:
            return StopAsyncIteration()
        return self.disconnected()

    def disconnected(self) -> Exception:
        """Make the error of a send or a receive after the end."""
        if self.make_end is not None:
            return self.make_end(self, False)
        error = self.described()
        return error if self.translate is None else self.translate(error)

    def described(self) -> ConnectionDisconnected:
        """Make the error that tells how the connection ended, whatever `translate` makes of it."""
        code = self.close_code
        kind = IdleTimeout if self.cause is CloseCause.IDLE_TIMEOUT else ConnectionDisconnected
        error = kind(
            self._end_in_words(code),
            code=int(CloseCode.ABNORMAL_CLOSURE) if code is None else code,
            reason=self.close_reason or "",
            received=self.close_received,
            sent=self.close_sent,
            info=self.close_info,
        )
        error.__cause__ = self.failure
        return error

    def _end_in_words(self, code: int | None) -> str:
        if code is None:
            error = self._write_error
            return "connection is closing" if error is None else f"a write has failed: {error}"
        if self._fault is not None:
            return f"connection was closed with code {code} after an error: {self._fault}"
        if self.close_received is not None:
            reason = f": {self.close_reason!r}" if self.close_reason else ""
            return f"connection is closed with code {code}{reason}"
        if self.cause in _SILENCES and self.close_sent is not None:
            return f"connection was given up: {self.close_sent[1]}"
        if self.cause is CloseCause.ABORT:
            return "connection was aborted"
        return "connection was lost without a Close frame (RFC 6455 section 7.1.5)"


_DO: Final[Mapping[Step, Callable[[Closing, News], News | None]]] = {
    Step.NOTE_CAUSE: Closing._note_cause,
    Step.KEEP_END: Closing._keep_end,
    Step.FOLLOW: Closing._follow,
    Step.FAIL: Closing._fail,
    Step.REFUSE_SENDS: Closing._refuse_sends,
    Step.SEND_CLOSE: Closing._send_close,
    Step.HALF_CLOSE: Closing._half_close,
    Step.READ_ON: Closing._read_on,
    Step.START_DEADLINE: Closing._start_deadline,
    Step.DROP_SOON: Closing._drop_soon,
    Step.DROP_TRANSPORT: Closing._drop_transport,
    Step.END_RECEIVING: Closing._end_receiving,
    Step.STOP_WRITING: Closing._stop_writing,
    Step.DETACH: Closing._detach,
    Step.RELEASE: Closing._release,
}


def _news_of(cause: CloseCause, fault: ProtocolError | QueueOverflow) -> News:
    return News(cause, fault.close_code, str(fault), fault)


def closing_of(channel: Channel) -> Closing:
    """Return the state of closing of a channel's connection."""
    return channel._closing  # type: ignore[return-value]  # a cast would cost a call
