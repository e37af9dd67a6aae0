"""Runs a session on an open connection, for a terminal or for piped input.

Does not open connections.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from .._base.close_info import CloseCause
from .._base.rfc6455 import CloseCode
from ..connection import WebSocketConnection
from ..exceptions import ConnectionDisconnected, IdleTimeout, ProtocolError
from . import lines
from .console import complain, note
from .input.user import User
from .output import Output

_CLEAN_CLOSE_CODES: Final = (
    CloseCode.NORMAL_CLOSURE,
    CloseCode.GOING_AWAY,
    CloseCode.NO_STATUS_RECEIVED,
)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a session deals with its input.

    Attributes:
        linger: seconds without a message after which the end of the input closes the connection; 0
            closes at once.
        binary: whether lines are sent as binary messages.
    """

    linger: float
    binary: bool = False


class Session:
    """Sends the user's lines, and hands the server's messages on.

    Args:
        ws: an open connection; the session closes it.
        user: who the lines come from.
        output: takes the messages.
        manner: how the input is dealt with.
    """

    def __init__(self, ws: WebSocketConnection, user: User, output: Output, manner: Manner) -> None:
        self._ws = ws
        self._user = user
        self._output = output
        self._manner = manner
        self._loop = asyncio.get_running_loop()
        self._last_news = self._loop.time()
        self._stopped = self._loop.create_future()
        self._pings: set[asyncio.Task[None]] = set()
        self._close = lines.Close(int(CloseCode.NORMAL_CLOSURE), "")
        self._fault: Exception | None = None
        self._failed = False
        self.ended_by_peer = False
        ws._on_ping = self._report_ping

    async def run(self) -> int:
        """Run the session to its end; return the exit status.

        If it is cancelled, it closes the connection first.
        """
        receiving = asyncio.create_task(self._receive())
        sending = asyncio.create_task(self._send_lines())
        try:
            ends = {receiving, self._stopped}
            await asyncio.wait({*ends, sending}, return_when=asyncio.FIRST_COMPLETED)
            while not any(end.done() for end in ends) and (pause := self._time_to_linger()) > 0:
                await asyncio.wait(ends, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            self.ended_by_peer = self._ws.closed
            # Messages that arrive before the server answers the Close frame are taken, too.
            await self._ws.close(self._close.code, self._close.reason)
            await asyncio.wait({receiving, sending, *self._pings})
            self._output.end(self._ws.close_info)
            well = self._report_end()
        for task in (receiving, sending):
            if not task.cancelled():
                task.result()
        failed = self._failed or self._output.has_failed
        return 0 if well and not failed else 1

    def stop(self) -> None:
        """Close the connection; `run` then returns."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    def _time_to_linger(self) -> float:
        """Return how many more seconds to wait for messages."""
        if self._manner.linger <= 0:
            return 0
        return self._last_news + self._manner.linger - self._loop.time()

    # -- from the server ---------------------------------------------------------------

    async def _receive(self) -> None:
        try:
            async for batch in self._ws.batches():
                self._last_news = self._loop.time()
                if not self._output.take(batch):
                    return
        except (ProtocolError, IdleTimeout) as exc:
            self._fault = exc
        except ConnectionDisconnected as exc:
            # `_report_end` reports the close code.
            if exc.info is not None and exc.info.cause is CloseCause.PING_TIMEOUT:
                self._fault = exc

    def _report_ping(self, payload: bytes) -> None:
        text = payload.decode(errors="backslashreplace")
        note(f"ping from the server{f': {text}' if text else ''}")

    # -- from the user -----------------------------------------------------------------

    async def _send_lines(self) -> None:
        try:
            # Nothing is sent after `/close`.
            while not self._stopped.done() and (line := await self._user.next_line()) is not None:
                await self._take(line)
            # `close` has a deadline. Writing out everything before it has none.
            await self._ws.flush()
        except ConnectionDisconnected:
            # `_report_end` reports how the connection ended.
            pass
        except OSError as exc:
            self._fail(f"cannot read standard input: {exc.strerror}")

    async def _take(self, line: bytes) -> None:
        """Do what a line says; it stays for the next connection if this one is over."""
        try:
            wish = lines.parse(line, binary=self._manner.binary)
            await self._fulfil(wish)
        except ConnectionDisconnected:
            raise
        except OSError as exc:
            self._fail(f"cannot read {exc.filename}: {exc.strerror}")
        except ValueError as exc:
            self._fail(str(exc))
        self._user.taken()

    async def _fulfil(self, wish: lines.Wish) -> None:
        match wish:
            case lines.Message(data):
                sent = self._ws.send(data)
                self._output.record("client", data)
                await sent
            case lines.Ping(payload):
                await self._ping(payload)
            case lines.Close():
                self._close = wish
                self.stop()
            case lines.Help():
                for line in lines.HELP.splitlines():
                    note(line)

    async def _ping(self, payload: bytes) -> None:
        answer = await self._ws.ping(payload)
        ping = asyncio.create_task(self._report_pong(answer))
        self._pings.add(ping)
        ping.add_done_callback(self._pings.discard)

    async def _report_pong(self, answer: asyncio.Future[float]) -> None:
        try:
            note(f"pong after {await answer * 1000:.3f} ms")
        except ConnectionDisconnected:
            note("no pong before the connection ended")
        self._last_news = self._loop.time()

    def _fail(self, text: str) -> None:
        # At a terminal, the user sees it and goes on.
        self._failed = not self._user.is_at_terminal
        complain(text)

    # -- the end -----------------------------------------------------------------------

    def _report_end(self) -> bool:
        """Report how the connection ended; return whether that counts as success."""
        code = self._ws.close_code or CloseCode.ABNORMAL_CLOSURE
        if self._output.reader_is_gone:
            return True
        if self._fault is not None:
            complain(f"closed with code {code}: {self._fault}")
            return False
        if code == CloseCode.ABNORMAL_CLOSURE:
            complain(
                "connection was lost without a Close frame (RFC 6455 section 7.1.5)"
                if self.ended_by_peer
                else "the server did not answer the Close frame (RFC 6455 section 5.5.1)"
            )
            return False
        who = "closed by the server" if self.ended_by_peer else "closed"
        reason = f": {self._ws.close_reason}" if self._ws.close_reason else ""
        note(f"{who} {_named(code)}{reason}")
        is_own = not self.ended_by_peer and code == self._close.code
        return is_own or code in _CLEAN_CLOSE_CODES


def _named(code: int) -> str:
    if code == CloseCode.NO_STATUS_RECEIVED:
        return "without a code"
    try:
        return f"with code {code} ({CloseCode(code).name.lower().replace('_', ' ')})"
    except ValueError:
        return f"with code {code}"
