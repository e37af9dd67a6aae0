"""The server of a test: listens, runs a script for each connection, and tells the test of failures.

Does not make threads. Public name: `Script`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..exceptions import ConnectionDisconnected
from ._connection import CLEAN_CLOSE_CODES, ServerConnection
from ._limits import NO_LIMITS, Limits
from ._request import HeadersLike, check_refusal, pairs
from ._writing import ClientGone

if TYPE_CHECKING:
    import ssl as ssl_module

__all__ = ["Refusal", "Script", "Server", "replaces"]

Script: TypeAlias = Callable[[ServerConnection], Coroutine[Any, Any, object]]

_HOST: Final = "127.0.0.1"
# asyncio loses the socket of a connection that it is just accepting when a server closes. It
# accepts a connection within this many turns after it was made.
_ACCEPTING_TURNS: Final = 10
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


def replaces(failures: Sequence[BaseException], exc: BaseException | None) -> bool:
    """Return whether the failures of scripts take the place of the body's error `exc`."""
    if isinstance(exc, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt | SystemExit):
        return False
    # A client that goes away may do so because the body has failed.
    are_consequences = all(isinstance(failure, ConnectionDisconnected) for failure in failures)
    return exc is None or not are_consequences


class Refusal:
    """A script that refuses the opening handshake."""

    def __init__(self, status: int, headers: HeadersLike, body: str | bytes) -> None:
        check_refusal(status)
        self._status = status
        self._headers = pairs(headers)
        self._body = body

    async def __call__(self, client: ServerConnection) -> None:
        await client.refuse(self._status, headers=self._headers, body=self._body)


class _Run:
    """One connection and its script."""

    def __init__(self, connection: ServerConnection, script: Script) -> None:
        self.connection = connection
        self.script = script
        self._coroutine: Coroutine[Any, Any, object] | None = None

    async def to_the_end(self) -> None:
        """Run the script."""
        self._coroutine = self.script(self.connection)
        await self._coroutine

    def place(self) -> str:
        """Return where the script waits, in words; empty if it does not run."""
        if not inspect.iscoroutine(self._coroutine) or self._coroutine.cr_frame is None:
            return ""
        frame = self._coroutine.cr_frame
        return f", at {frame.f_code.co_filename}:{frame.f_lineno}"


class Server:
    """Listens, and runs a script for each connection, for the length of an `async with` block."""

    def __init__(
        self,
        scripts: tuple[Script, ...],
        *,
        timeout: float | None,
        accept: bool,
        subprotocols: tuple[str, ...],
        ssl: ssl_module.SSLContext | None,
        port: int,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self._scripts = scripts
        self._limits = limits
        self._timeout = timeout
        self._accept = accept
        self._subprotocols = subprotocols
        self._ssl = ssl
        self._port = port
        self._server: asyncio.Server | None = None
        self._running: dict[asyncio.Task[None], _Run] = {}
        self._connections = 0
        self._failures: list[BaseException] = []
        self._is_ending = False
        self._body: asyncio.Task[Any] | None = None
        self._cancels_before = 0
        self._has_cancelled = False

    async def __aenter__(self) -> str:
        """Start to listen; return the URL."""
        self._server = await asyncio.start_server(self._start, _HOST, self._port, ssl=self._ssl)
        self._body = asyncio.current_task()
        self._cancels_before = self._body.cancelling() if self._body else 0
        port = self._server.sockets[0].getsockname()[1]
        return f"{'ws' if self._ssl is None else 'wss'}://{_HOST}:{port}/"

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; raise what the scripts raised."""
        is_own_cancel = await self._take_back_cancel(exc)
        try:
            if exc is None:
                await self._let_scripts_end()
        finally:
            self._is_ending = True
            await self._stop()
        error = exc
        if is_own_cancel:
            error = None if exc is None else exc.__context__
        if self._failures and (is_own_cancel or replaces(self._failures, exc)):
            raise self._failure() from error

    async def _take_back_cancel(self, exc: BaseException | None) -> bool:
        """Undo the cancellation of the body; return whether `exc` is that cancellation."""
        body, self._body = self._body, None
        if body is None or not self._has_cancelled:
            return False
        others = body.uncancel() > self._cancels_before
        if exc is None and not others:
            # The body ended before the cancellation reached it.
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                return True
        return isinstance(exc, asyncio.CancelledError) and not others

    def _start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        most = self._limits.connections
        if most is not None and len(self._running) >= most:
            # Without reading the request, so that no client can make the server wait for it.
            writer.write(_TOO_MANY)
            writer.close()
            return
        self._connections += 1
        connection = ServerConnection(
            reader,
            writer,
            number=self._connections,
            timeout=self._timeout,
            limits=self._limits,
        )
        script = self._scripts[min(self._connections, len(self._scripts)) - 1]
        run = _Run(connection, script)
        task = asyncio.create_task(self._serve(run))
        self._running[task] = run
        task.add_done_callback(self._running.pop)

    async def _serve(self, run: _Run) -> None:
        connection = run.connection
        try:
            if not await connection._read_request():
                return
            if self._accept and not isinstance(run.script, Refusal):
                offered = connection.request.subprotocols
                chosen = next((name for name in self._subprotocols if name in offered), None)
                await connection.accept(subprotocol=chosen)
            await run.to_the_end()
            await connection._finish()
        except ClientGone:
            # The client is done before the script.
            pass
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            # `pytest.fail` raises no `Exception`.
            if self._is_ending:
                raise
            exc.add_note(f"raised by the script of connection {connection.number}")
            self._fail(exc)
        finally:
            await connection._release()

    def _fail(self, failure: BaseException) -> None:
        self._failures.append(failure)
        if isinstance(failure, ConnectionDisconnected) and failure.code not in CLEAN_CLOSE_CODES:
            # The program under test has failed: its own error is about to reach the test.
            return
        if self._body is not None and not self._has_cancelled and not self._body.done():
            self._has_cancelled = True
            self._body.cancel()

    def _failure(self) -> BaseException:
        if len(self._failures) == 1:
            return self._failures[0]
        return BaseExceptionGroup(f"{len(self._failures)} scripts failed", self._failures)

    async def _let_scripts_end(self) -> None:
        """Close the connections that are open, and wait for the scripts."""
        await self._stop_listening()
        for run in self._running.values():
            run.connection._leave()
        half = None if self._timeout is None else self._timeout / 2
        if self._running:
            await asyncio.wait(list(self._running), timeout=half)
        for run in self._running.values():
            # This client does not answer the Close frame.
            run.connection._abort()
        if self._running:
            await asyncio.wait(list(self._running), timeout=half)
        for run in self._running.values():
            self._failures.append(
                TimeoutError(
                    f"the script of connection {run.connection.number} still runs {self._timeout:g}"
                    f" seconds after the test ended{run.place()}"
                )
            )

    async def _stop(self) -> None:
        await self._stop_listening()
        tasks = list(self._running)
        for task in tasks:
            self._running[task].connection._abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _stop_listening(self) -> None:
        for _ in range(_ACCEPTING_TURNS):
            await asyncio.sleep(0)
        if self._server is not None:
            self._server.close()
