"""One connection after the other to the same server, for as long as there is somebody to use them.

Must not know how a connection is opened, or what it is used for.
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
from .attempt import Attempt
from .backoff import Backoff, Verdict
from .reconnect import Reconnect

_logger = logging.getLogger("wirespeed")

# Here, so that tests can let time pass as they like.
_now = time.monotonic
_sleep = asyncio.sleep


class _Opened(NamedTuple):
    """A connection, and the time since when it is open."""

    connection: WebSocketConnection
    since: float


class Reconnecting:
    """Connections to the same server, one after the other: what `async for` makes of `connect`.

    Asking for the next connection closes the one before. Leaving the loop, with `break` or an
    error, closes the last one in the background, within its `close_timeout`. To wait until
    it is closed, iterate inside `async with contextlib.aclosing(aiter(connect(...)))`.
    """

    def __init__(self, attempt: Attempt, policy: Reconnect) -> None:
        self._attempt = replace(attempt, on_open=policy.on_open)
        self._policy = policy
        self._backoff = Backoff(policy)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._current: _Opened | None = None
        self._renewal: _Renewal | None = None
        self._is_busy = False
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WebSocketConnection:
        """Close the connection at hand, and open the next one.

        Cancelling it leaves nothing open and ends the iteration, as with an async generator.

        Raises:
            StopAsyncIteration: it was closed or cancelled, or has raised an error before.
            Exception: the last error, with a note, when it gives up; see `Reconnect`.
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
        """Close the connection at hand with code 1000, and end the iteration.

        Returns when it is closed, after `close_timeout` seconds at the latest; cancelled, it
        closes without the closing handshake.

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
        # The loop was left. Not at once: this may run in any thread, and inside of anything. A
        # loop that is closed has no connections any more.
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
        """End the iteration, and close at once what is still open; there is no renewal any more."""
        self._is_over = True
        for connection in _connections(self._current, self._renewal):
            connection.abort()
        self._current = self._renewal = None

    async def _next(self) -> _Opened:
        self._loop = asyncio.get_running_loop()
        old = self._current
        if old is None:
            return await self._open(_now())
        following = None if self._renewal is None else await self._renewal.stop()
        ended_by_peer = old.connection.close_code is not None
        if not ended_by_peer:
            await old.connection.close()
        # Until now: somebody who is slow to notice the end does not connect too often either.
        self._backoff.connection_ended(_now() - old.since)
        if following is None:
            following = await self._open_after(old, ended_by_peer)
        # No frame may follow; but a server can take its time to end the TCP connection.
        old.connection.abort()
        return following

    async def _open_after(self, old: _Opened, ended_by_peer: bool) -> _Opened:
        """Wait, and open the next connection."""
        began = _now()
        if ended_by_peer:
            await self._wait_after("has ended", closing_of(old.connection).disconnected(), began)
        else:
            # Asked for, so there is no error to judge.
            await _sleep(self._backoff.next_delay())
        return await self._open(began)

    async def _open(self, began: float) -> _Opened:
        """Try until a connection is open; there is none since `began`."""
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
            Exception: the failure, if there is to be none.
        """
        elapsed = _now() - began
        verdict = self._backoff.judge(failure, elapsed)
        if verdict.objection:
            failure.add_note(
                f"gave up after {attempts} attempt{'' if attempts == 1 else 's'}"
                f" in {elapsed:.1f} seconds: {verdict.objection}"
            )
            raise failure
        _log_failure(event, self._attempt, failure, verdict)
        await _sleep(verdict.delay)


class _Renewal:
    """Opens the connection that follows another one, while that one is in use.

    It has a task, so it must not know of `Reconnecting`: that would not be collected any more when
    the loop over it is left.
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
        backoff = Backoff(self._policy)
        connection: WebSocketConnection | None = None
        while connection is None:
            try:
                connection = await self._attempt.open()
            except Exception as exc:
                # There is a connection: no time without one has passed.
                verdict = backoff.judge(exc, 0.0)
                _log_failure("was not renewed", self._attempt, exc, verdict)
                if verdict.objection:
                    return
                await _sleep(verdict.delay)
        self.following = _Opened(connection, _now())
        closing_of(self._old.connection).close(CloseCode.NORMAL_CLOSURE, "")

    def cancel(self) -> None:
        """Stop without waiting for the end of it."""
        self._task.cancel()

    async def stop(self) -> _Opened | None:
        """Stop, and return the connection that came of it."""
        self._task.cancel()
        await asyncio.wait([self._task])
        return self.following


def _connections(current: _Opened | None, renewal: _Renewal | None) -> list[WebSocketConnection]:
    opened = (current, None if renewal is None else renewal.following)
    return [one.connection for one in opened if one is not None]


async def _close(*connections: WebSocketConnection) -> None:
    """Close all of them within the time of one."""
    for connection in connections:
        closing_of(connection).close(CloseCode.NORMAL_CLOSURE, "")
    for connection in connections:
        await connection.wait_closed()


def _abandon(current: _Opened, renewal: _Renewal | None) -> None:
    """Close what the caller has left behind, without waiting."""
    if renewal is not None:
        renewal.cancel()
    for connection in _connections(current, renewal):
        closing_of(connection).close(CloseCode.NORMAL_CLOSURE, "")


def _log_failure(event: str, attempt: Attempt, failure: Exception, verdict: Verdict) -> None:
    """Tell in one line what happened, why, and what comes next."""
    # How a connection ends is the server's affair; that there is none is the user's.
    level = logging.INFO if event == "has ended" else logging.WARNING
    if not _logger.isEnabledFor(level):
        return
    outcome = verdict.objection or f"next attempt in {verdict.delay:.3g} seconds"
    place, cause = attempt.place(), _cause(failure)
    _logger.log(level, "connection to %s %s: %s; %s", place, event, cause, outcome)


def _cause(failure: Exception) -> str:
    """Name the failure for the log.

    The text of errors that are neither ours nor the system's may quote a secret, such as the token
    that could not be refreshed.
    """
    name = type(failure).__name__
    return f"{name}: {failure}" if isinstance(failure, WebSocketError | OSError) else name
