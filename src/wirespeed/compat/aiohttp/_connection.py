"""A connection that ends as those of `aiohttp` do: the program sees the Close frame first."""

from __future__ import annotations

import asyncio
from typing import Any

from ..._base.close_info import CloseCause
from ..._lifecycle.closing import closing_of
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

    __slots__ = ("_answers_close", "_patience", "_patience_seconds")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        autoclose: bool,
        autoping: bool,
        close_timeout: float | None,
        **options: Any,
    ) -> None:
        super().__init__(loop, close_timeout=close_timeout, **options)
        self._parser.queues_controls = not autoping
        self._answers_close = autoclose
        self._patience_seconds = close_timeout
        self._patience: asyncio.TimerHandle | None = None
        closing = closing_of(self)
        closing.on_peer_close = self._wait_for_program
        closing.translate = _reset_error

    @property
    def received_close(self) -> tuple[int, str] | None:
        """Code and reason of the server's Close frame, if it has arrived."""
        return closing_of(self).close_received

    @property
    def was_silent(self) -> bool:
        """Whether the connection was given up because a heartbeat was not answered."""
        return closing_of(self).cause is CloseCause.PING_TIMEOUT

    def answer_close(self) -> None:
        """Answer the server's Close frame, if that is still to be done."""
        self._stop_waiting()
        closing_of(self).answer_peer()

    def end_error(self) -> BaseException:
        """Make the error that tells how the connection ended."""
        return closing_of(self).end_of_messages()

    def _wait_for_program(self) -> None:
        """Leave the answer to the program, for some time if `autoclose` asks for one."""
        if self._answers_close and self._patience_seconds is not None:
            self._patience = self._loop.call_later(self._patience_seconds, self.answer_close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _reset_error(error: ConnectionDisconnected) -> Exception:
    """Return the error of `aiohttp` that stands for `error`."""
    theirs = ClientConnectionResetError(*error.args)
    vars(theirs).update(vars(error))
    theirs.__cause__ = error.__cause__
    return theirs
