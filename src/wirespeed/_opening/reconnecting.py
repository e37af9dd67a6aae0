"""Reconnecting: one connection after the other to the same server, as an asynchronous iterator.

Does not open connections. Public name: `Reconnecting`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Self

from .._base.rfc6455 import CloseCode
from .._lifecycle.closing import closing_of
from ..connection import WebSocketConnection
from ..exceptions import WebSocketError
from .attempt import Attempt, running_loop
from .backoff import Backoff, Verdict
from .reconnect import Reconnect

_logger = logging.getLogger("wirespeed")

# Names of this module, so that tests can replace them and control the time.
_now = time.monotonic
_sleep = asyncio.sleep


class _Opened(NamedTuple):
    """A connection, and the time at which it was opened."""

    connection: WebSocketConnection
    since: float


class Reconnecting:
    """Connections to one server, one after the other: the iterator of `async for` on `connect`.

    Asking for the next connection closes the one before. Leaving the loop with `break` or an error
    closes the last one in the background, within its `close_timeout`. To wait until it is closed,
    iterate inside `async with contextlib.aclosing(aiter(connect(...)))`.
    """

    def __init__(self, attempt: Attempt, policy: Reconnect) -> None:
        self._attempt = replace(attempt, on_open=policy.on_open)
        self._policy = policy
        self._backoff = Backoff(policy, _now())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._current: _Opened | None = None
        self._renewal: _Renewal | None = None
        self._is_busy = False
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WebSocketConnection:
        """Close the current connection, and open the next one.

        Cancelling it leaves nothing open and ends the iteration, as with an async generator.

        Raises:
            StopAsyncIteration: the iteration was closed, was cancelled, or has raised an error.
            Exception: the last error, with a note, if there is to be no further attempt; see
                `Reconnect`.
            RuntimeError: another task waits for the next connection.
        """
        with self._alone():
            if self._is_over:
                raise StopAsyncIteration
            try:
                self._current = await self._next()
            except BaseException:
                self._end()
                raise
            if self._policy.max_lifetime is not None:
                self._renewal = _Renewal(self._current, self._attempt, self._policy)
            return self._current.connection

    async def aclose(self) -> None:
        """Close the current connection with code 1000, and end the iteration.

        Returns when it is closed, after `close_timeout` seconds at the latest. Cancelling it closes
        the connection without the closing handshake.

        Raises:
            RuntimeError: another task waits for the next connection.
        """
        with self._alone():
            try:
                if self._renewal is not None:
                    await self._renewal.stop()
                await _close(*_connections(self._current, self._renewal))
            finally:
                self._end()

    def __del__(self) -> None:
        if self._is_over or self._current is None or self._loop is None:
            return
        # The program has left the `async for`. Not closed here: the garbage collector may run this
        # in any thread and at any point. A closed event loop has no open connections.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_abandon, self._current, self._renewal)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._is_busy:
            raise RuntimeError("another task waits for the next connection")
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    def _end(self) -> None:
        """End the iteration, and abort what is still open; no renewal may be running."""
        self._is_over = True
        for connection in _connections(self._current, self._renewal):
            connection.abort()
        self._current = self._renewal = None

    async def _next(self) -> _Opened:
        self._loop = running_loop()
        old = self._current
        if old is None:
            began = _now()
            self._backoff.begin(began)
            return await self._open(began)
        following = None if self._renewal is None else await self._renewal.stop()
        ended_by_peer = old.connection.close_code is not None
        if not ended_by_peer:
            await old.connection.close()
        # Counted until now, not until the end of the connection: a program that notices the end
        # late does not connect too often either.
        now = _now()
        self._backoff.connection_ended(now - old.since, now)
        if following is None:
            following = await self._open_after(old, ended_by_peer)
        # No more frames may follow, but the server may take long to close the TCP connection.
        old.connection.abort()
        return following

    async def _open_after(self, old: _Opened, ended_by_peer: bool) -> _Opened:
        """Wait as the policy says, and open the next connection."""
        began = _now()
        if ended_by_peer:
            await self._wait_after("has ended", closing_of(old.connection).disconnected(), began)
        else:
            # The program asked for the next connection, so there is no error to judge.
            await _sleep(self._backoff.next_delay(began))
        return await self._open(began)

    async def _open(self, began: float) -> _Opened:
        """Try until a connection is open; there has been none since `began`."""
        attempts = 0
        while True:
            try:
                return _Opened(await self._attempt.open(), _now())
            except Exception as exc:
                attempts += 1
                await self._wait_after("was not opened", exc, began, attempts)

    async def _wait_after(
        self, event: str, failure: Exception, began: float, attempts: int = 0
    ) -> None:
        """Wait until it is time for the next attempt.

        Raises:
            Exception: `failure`, if there is to be no further attempt.
        """
        now = _now()
        elapsed = now - began
        verdict = self._backoff.judge(failure, elapsed, now)
        if verdict.objection:
            failure.add_note(
                f"gave up after {attempts} attempt{'' if attempts == 1 else 's'}"
                f" in {elapsed:.1f} seconds: {verdict.objection}"
            )
            raise failure
        _log_failure(event, self._attempt, failure, verdict)
        await _sleep(verdict.delay)


class _Renewal:
    """Opens the next connection while the old one is in use.

    It must not refer to `Reconnecting`: its task would keep that alive after the program has left
    the loop.
    """

    def __init__(self, old: _Opened, attempt: Attempt, policy: Reconnect) -> None:
        self.following: _Opened | None = None
        self._old = old
        self._attempt = attempt
        self._policy = policy
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        lifetime = self._policy.max_lifetime or 0.0
        await _sleep(max(0.0, self._old.since + lifetime - _now()))
        backoff = Backoff(self._policy, _now())
        connection: WebSocketConnection | None = None
        while connection is None:
            # A connection that closes is not replaced: the program asks for the next one itself.
            if self._old.connection.closed:
                return
            try:
                connection = await self._attempt.open()
            except Exception as exc:
                # 0 seconds without a connection: the old one is open.
                verdict = backoff.judge(exc, 0.0, _now())
                _log_failure("was not renewed", self._attempt, exc, verdict)
                if verdict.objection:
                    return
                await _sleep(verdict.delay)
        self.following = _Opened(connection, _now())
        closing_of(self._old.connection).close(CloseCode.NORMAL_CLOSURE, "")

    def cancel(self) -> None:
        """Stop, without waiting for the task to end."""
        self._task.cancel()

    async def stop(self) -> _Opened | None:
        """Stop, and return the new connection, if it was opened."""
        self._task.cancel()
        await asyncio.wait([self._task])
        return self.following


def _connections(current: _Opened | None, renewal: _Renewal | None) -> list[WebSocketConnection]:
    opened = (current, None if renewal is None else renewal.following)
    return [one.connection for one in opened if one is not None]


async def _close(*connections: WebSocketConnection) -> None:
    """Close all connections at the same time."""
    for connection in connections:
        closing_of(connection).close(CloseCode.NORMAL_CLOSURE, "")
    for connection in connections:
        await connection.wait_closed()


def _abandon(current: _Opened, renewal: _Renewal | None) -> None:
    """Close the connections that the program has left, without waiting."""
    if renewal is not None:
        renewal.cancel()
    for connection in _connections(current, renewal):
        closing_of(connection).close(CloseCode.NORMAL_CLOSURE, "")


def _log_failure(event: str, attempt: Attempt, failure: Exception, verdict: Verdict) -> None:
    """Log in one line what happened, why, and what comes next."""
    # The end of a connection is normal; a failed attempt needs the user's attention.
    level = logging.INFO if event == "has ended" else logging.WARNING
    if not _logger.isEnabledFor(level):
        return
    outcome = verdict.objection or f"next attempt in {verdict.delay:.3g} seconds"
    place, cause = attempt.place(), _cause(failure)
    _logger.log(level, "connection to %s %s: %s; %s", place, event, cause, outcome)


def _cause(failure: Exception) -> str:
    """Return a description of the failure for the log.

    Only errors of this package and of the system are logged with their text. The text of others may
    quote a secret, such as a token that could not be refreshed.
    """
    name = type(failure).__name__
    return f"{name}: {failure}" if isinstance(failure, WebSocketError | OSError) else name
