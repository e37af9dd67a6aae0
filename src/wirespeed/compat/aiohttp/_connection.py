"""A connection that ends as those of `aiohttp` do: the program sees the Close frame first.

Must not know of messages' types.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..._base.close_info import CloseCause
from ...connection import WebSocketConnection
from ...exceptions import ConnectionDisconnected
from ._errors import ClientConnectionResetError


class Connection(WebSocketConnection):
    """Lets the program send until it has received all messages before the server's Close frame.

    Args:
        autoclose: whether to answer a Close frame when the program learns of it, or after
            `close_timeout` seconds if it does not receive.
        autoping: whether to answer Pings; if not, they are queued, and Pongs as well.
        options: as for `WebSocketConnection`.
    """

    __slots__ = ("_answers_close", "_close_to_answer", "_patience")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, autoclose: bool, autoping: bool, **options: Any
    ) -> None:
        super().__init__(loop, **options)
        self._parser.queues_controls = not autoping
        self._answers_close = autoclose
        # Code and reason of a Close frame that is not answered yet.
        self._close_to_answer: tuple[int, str] | None = None
        self._patience: asyncio.TimerHandle | None = None

    @property
    def received_close(self) -> tuple[int, str] | None:
        """Code and reason of the server's Close frame, if it has arrived."""
        return self._close_received

    @property
    def was_silent(self) -> bool:
        """Whether the connection was given up because a heartbeat was not answered."""
        return self._cause is CloseCause.PING_TIMEOUT

    def answer_close(self) -> None:
        """Answer the server's Close frame, if that is still to be done."""
        close, self._close_to_answer = self._close_to_answer, None
        self._stop_waiting()
        if close is not None and not self.closed:
            super()._on_close_frame(*close)

    def end_error(self) -> BaseException:
        """Make the error that tells how the connection ended."""
        return self._end_of_messages(False)

    def _on_close_frame(self, code: int, reason: str) -> None:
        if self.closed:
            super()._on_close_frame(code, reason)
            return
        self._close_received = self._close_to_answer = (code, reason)
        if self._answers_close and self._close_timeout is not None:
            self._patience = self._loop.call_later(self._close_timeout, self.answer_close)
        self._finish_receiving(self._end_of_messages)

    def _on_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super()._on_lost(exc)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _disconnected(self) -> ConnectionDisconnected:
        error = super()._disconnected()
        theirs = ClientConnectionResetError(*error.args)
        vars(theirs).update(vars(error))
        theirs.__cause__ = error.__cause__
        return theirs
