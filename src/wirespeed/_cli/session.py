"""Runs a session on an open connection, for a terminal or for piped input.

Does not open connections.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from .._base.rfc6455 import CloseCode
from ..connection import WebSocketConnection
from ..exceptions import ConnectionDisconnected, ProtocolError
from ..testing._recording import Recorder, Sender
from .console import complain, discard_output, note, shown
from .stdin_lines import LineReader

_CLEAN_CLOSE_CODES: Final = (
    CloseCode.NORMAL_CLOSURE,
    CloseCode.GOING_AWAY,
    CloseCode.NO_STATUS_RECEIVED,
)


class Session:
    """Sends the user's lines, and prints the server's messages.

    Args:
        ws: an open connection; the session closes it.
        lines: the user's input; `None` if standard input is closed.
        linger: seconds without a message after which the end of `lines` closes the
            connection; 0 closes at once.
        recorder: what to record messages with, instead of printing them; `None` prints them.
    """

    def __init__(
        self,
        ws: WebSocketConnection,
        lines: LineReader | None,
        linger: float,
        recorder: Recorder | None = None,
    ) -> None:
        self._ws = ws
        self._lines = lines
        self._linger = linger
        self._recorder = recorder
        self._on_terminal = sys.stdout.isatty()
        self._loop = asyncio.get_running_loop()
        self._last_news = self._loop.time()
        self._stopped = self._loop.create_future()
        self._pings: set[asyncio.Task[None]] = set()
        self._fault: ProtocolError | None = None
        self._output_is_gone = False
        self._failed = False
        ws._on_ping = self._report_ping

    async def run(self) -> int:
        """Run the session to its end; return the exit status.

        If it is cancelled, it closes the connection first.
        """
        printing = asyncio.create_task(self._print_messages())
        sending = asyncio.create_task(self._send_lines())
        try:
            ends = {printing, self._stopped}
            await asyncio.wait({*ends, sending}, return_when=asyncio.FIRST_COMPLETED)
            while not any(end.done() for end in ends) and (pause := self._time_to_linger()) > 0:
                await asyncio.wait(ends, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            closed_by_server = self._ws.closed
            # Messages that arrive before the server answers the Close frame are printed, too.
            await self._ws.close()
            await asyncio.wait({printing, sending, *self._pings})
            self._record_end()
            well = self._report_end(closed_by_server)
        for task in (printing, sending):
            if not task.cancelled():
                task.result()
        return 0 if well and not self._failed else 1

    def stop(self) -> None:
        """Close the connection; `run` then returns."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    def _time_to_linger(self) -> float:
        """Return how many more seconds to wait for messages."""
        if self._linger <= 0:
            return 0
        return self._last_news + self._linger - self._loop.time()

    # -- from the server ---------------------------------------------------------------

    async def _print_messages(self) -> None:
        try:
            async for batch in self._ws.batches():
                self._last_news = self._loop.time()
                if not self._take_batch(batch):
                    return
        except ProtocolError as exc:
            self._fault = exc
        except ConnectionDisconnected:
            # `_report_end` reports the close code.
            pass

    def _print(self, batch: list[str | bytes]) -> bool:
        """Print messages; return whether standard output still works."""
        text = "".join(shown(data, on_terminal=self._on_terminal) + "\n" for data in batch)
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as exc:
            if not isinstance(exc, BrokenPipeError):
                self._fail(f"cannot write to standard output: {exc.strerror}")
            self._output_is_gone = True
            discard_output()
            return False
        return True

    def _take_batch(self, batch: list[str | bytes]) -> bool:
        """Print or record messages; return whether that still works."""
        if self._recorder is None:
            return self._print(batch)
        return self._record("server", *batch)

    def _record(self, sender: Sender, *messages: str | bytes) -> bool:
        """Record messages if this is a recording; return whether the file could be written."""
        try:
            if self._recorder is not None:
                self._recorder.add(sender, *messages)
        except OSError as exc:
            self._fail(f"cannot write the recording: {exc.strerror}")
            return False
        return True

    def _report_ping(self, payload: bytes) -> None:
        text = payload.decode(errors="backslashreplace")
        note(f"ping from the server{f': {text}' if text else ''}")

    # -- from the user -----------------------------------------------------------------

    async def _send_lines(self) -> None:
        try:
            while self._lines is not None and (lines := await self._lines.read()):
                for line in lines:
                    await self._take(line)
            # `close` has a deadline. Writing out everything before it has none.
            await self._ws.flush()
        except ConnectionDisconnected:
            # `_report_end` reports how the connection ended.
            pass
        except OSError as exc:
            self._fail(f"cannot read standard input: {exc.strerror}")

    async def _take(self, line: bytes) -> None:
        """Send a line, or run the command in it."""
        if line.startswith(b"/") and not line.startswith(b"//"):
            await self._obey(line)
            return
        text = line.removeprefix(b"/")
        try:
            sent = self._ws.send_text(text)
            self._record("client", text.decode())
            await sent
        except ValueError:
            self._fail("a line was not sent: it is not valid UTF-8 (RFC 6455 section 8.1)")

    async def _obey(self, line: bytes) -> None:
        command, _, text = line.partition(b" ")
        if command != b"/ping":
            name = command.decode(errors="backslashreplace")
            self._fail(f"no such command: {name} (a line starting with // sends one /)")
            return
        try:
            answer = await self._ws.ping(text)
        except ValueError as exc:
            self._fail(str(exc))
            return
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
        self._failed = True
        complain(text)

    # -- the end -----------------------------------------------------------------------

    def _record_end(self) -> None:
        info = self._ws.close_info
        if self._recorder is None or info is None:
            return
        sender: Sender = "client" if info.closed_by == "local" else "server"
        frame = info.sent if sender == "client" else info.received
        code, reason = (int(CloseCode.ABNORMAL_CLOSURE), "") if frame is None else frame
        try:
            self._recorder.end(sender, code, reason)
        except OSError as exc:
            self._fail(f"cannot write the recording: {exc.strerror}")

    def _report_end(self, closed_by_server: bool) -> bool:
        """Report how the connection ended; return whether that counts as success."""
        code = self._ws.close_code or CloseCode.ABNORMAL_CLOSURE
        if self._output_is_gone:
            return True
        if self._fault is not None:
            complain(f"closed with code {code}: {self._fault}")
            return False
        if code == CloseCode.ABNORMAL_CLOSURE:
            complain(
                "connection was lost without a Close frame (RFC 6455 section 7.1.5)"
                if closed_by_server
                else "the server did not answer the Close frame (RFC 6455 section 5.5.1)"
            )
            return False
        who = "closed by the server" if closed_by_server else "closed"
        reason = f": {self._ws.close_reason}" if self._ws.close_reason else ""
        note(f"{who} {_named(code)}{reason}")
        return code in _CLEAN_CLOSE_CODES


def _named(code: int) -> str:
    if code == CloseCode.NO_STATUS_RECEIVED:
        return "without a code"
    try:
        return f"with code {code} ({CloseCode(code).name.lower().replace('_', ' ')})"
    except ValueError:
        return f"with code {code}"
