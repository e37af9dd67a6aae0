"""A connection that ends as in `aiohttp`: the program sees a Close frame before it is answered."""

from __future__ import annotations

import asyncio
from typing import Any

from ..._base.close_info import CloseCause
from ..._base.rfc6455 import CloseCode
from ..._lifecycle.closing import closing_of
from ..._lifecycle.keep_alive import KeepAlive
from ...connection import WebSocketConnection
from ._errors import reset_error


class Connection(WebSocketConnection):
    """Lets the program send until it has received all messages before the server's Close frame.

    Args:
        autoclose: whether to answer a Close frame when the program receives it, or after
            `close_timeout` seconds if the program does not.
        autoping: whether to answer Pings. If not, Pings and Pongs are queued like messages.
        ping_interval: seconds of silence after which a Ping is sent; `None` sends none.
        options: as for `WebSocketConnection`.
    """

    __slots__ = ("_answers_close", "_patience", "_patience_seconds")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        autoclose: bool,
        autoping: bool,
        close_timeout: float | None,
        ping_interval: float | None,
        ping_timeout: float | None,
        **options: Any,
    ) -> None:
        super().__init__(
            loop,
            close_timeout=close_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            **options,
        )
        self._parser.queues_controls = not autoping
        self._answers_close = autoclose
        self._patience_seconds = close_timeout
        self._patience: asyncio.TimerHandle | None = None
        closing = closing_of(self)
        if ping_interval is not None:
            closing.watch._keep_alive = KeepAlive(
                self, closing.give_up, ping_timeout, only_in_silence=True
            )
        closing.on_peer_close = self._wait_for_program
        closing.translate = reset_error

    @property
    def received_close(self) -> tuple[int, str] | None:
        """Code and reason of the server's Close frame; `None` if it has not arrived."""
        return closing_of(self).close_received

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended without a Close frame of the server."""
        closing = closing_of(self)
        return closing.has_ended and closing.close_received is None

    @property
    def has_all_received(self) -> bool:
        """Whether the connection has ended, and all its messages were received."""
        return closing_of(self).has_ended and not self.pending.messages

    @property
    def was_silent(self) -> bool:
        """Whether the connection was failed because a Ping was not answered."""
        return closing_of(self).cause is CloseCause.PING_TIMEOUT

    @property
    def timed_out(self) -> bool:
        """Whether closing took too long."""
        return closing_of(self).timed_out

    def answer_close(self) -> bool:
        """Answer the server's Close frame with 1000, as aiohttp does, unless it is answered.

        Returns:
            Whether the server can get the answer: `False` if the stream had ended before.
        """
        self._stop_waiting()
        closing = closing_of(self)
        had_ended = closing.has_ended
        closing.answer_peer(CloseCode.NORMAL_CLOSURE)
        return not had_ended and closing.close_sent is not None

    def close_unanswered(self, code: int, reason: str) -> None:
        """Send a Close frame, and close the transport once it has left, without an answer.

        Raises:
            TypeError, ValueError: as `close` raises them.
        """
        closing = closing_of(self)
        closing.close(code, reason)
        # What the transport does not take yet leaves later, within `close_timeout`.
        if self._transport is not None and not closing.channel._outbox.is_paused():
            self._transport.close()

    def end_error(self) -> BaseException:
        """Make the error that describes how the connection ended."""
        return closing_of(self).end_of_messages()

    def _wait_for_program(self) -> None:
        """Leave the answer to the program; with `autoclose`, answer after `close_timeout`."""
        if self._answers_close and self._patience_seconds is not None:
            self._patience = self._loop.call_later(self._patience_seconds, self.answer_close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
