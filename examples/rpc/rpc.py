"""Requests and answers by id over one connection: JSON-RPC 2.0, Chrome DevTools, Home Assistant.

Usage: `async with Rpc(wirespeed.connect(url), JsonRpc()) as rpc: await rpc.call("sum", [1, 2])`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Protocol

import wirespeed
from examples.rpc.link import Link


class RpcError(Exception):
    """The server has answered with an error, which is in `args`."""


class Dialect(Protocol):
    """How requests and answers are written."""

    def request(self, number: int, method: str, params: Any) -> Any:
        """Return the message that asks for `method`."""

    def is_answer(self, message: dict[str, Any]) -> bool:
        """Return whether a message is an answer, not a notification."""

    def error(self, answer: dict[str, Any]) -> Any:
        """Return the error of an answer, or `None`."""


class DevTools:
    """`id`, `method` and `params`, as the Chrome DevTools Protocol has them."""

    def request(self, number: int, method: str, params: Any) -> Any:
        """Return the message that asks for `method`."""
        return {"id": number, "method": method, "params": params or {}}

    def is_answer(self, message: dict[str, Any]) -> bool:
        """Return whether a message is an answer, not a notification."""
        return "method" not in message

    def error(self, answer: dict[str, Any]) -> Any:
        """Return the error of an answer, or `None`."""
        return answer.get("error")


class JsonRpc(DevTools):
    """JSON-RPC 2.0."""

    def request(self, number: int, method: str, params: Any) -> Any:
        """Return the message that asks for `method`."""
        if params is None:
            return {"jsonrpc": "2.0", "id": number, "method": method}
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


class HomeAssistant:
    """`id` and `type`, with the parameters beside them."""

    def request(self, number: int, method: str, params: Any) -> Any:
        """Return the message that asks for `method`."""
        return {"id": number, "type": method, **(params or {})}

    def is_answer(self, message: dict[str, Any]) -> bool:
        """Return whether a message is an answer, not an event."""
        return bool(message["type"] == "result")

    def error(self, answer: dict[str, Any]) -> Any:
        """Return the error of an answer, or `None`."""
        return answer["error"] if answer.get("success") is False else None


class _Wait:
    """What a caller, or an iteration over notifications, waits for."""

    __slots__ = ("message", "wake")

    def __init__(self) -> None:
        self.message: Any = None
        # Set while another task reads.
        self.wake: asyncio.Future[None] | None = None

    def finish(self, message: Any) -> None:
        self.message = message
        self.resume()

    def resume(self) -> bool:
        if self.wake is None or self.wake.done():
            return False
        self.wake.set_result(None)
        return True


class Rpc(Link):
    """Calls methods of a server; any number of tasks may call at the same time.

    There is no task that reads: whoever waits first reads for all, until it has what it waits for.
    A call on its own so costs little more than sending and receiving.

    Args:
        connecting: as for `Link`.
        dialect: how requests and answers are written.
        max_notifications: how many notifications wait to be read; then the oldest is dropped, and
            counted in `missed`. Answers never wait behind notifications.
    """

    def __init__(
        self,
        connecting: wirespeed.Connecting,
        dialect: Dialect,
        *,
        max_notifications: int = 1000,
    ) -> None:
        super().__init__(connecting)
        self.missed = 0
        self._dialect = dialect
        self._numbers = itertools.count(1)
        self._waits: dict[int, _Wait] = {}
        self._listeners: list[_Wait] = []
        self._is_reading = False
        self._subscriptions: list[tuple[str, Any]] = []
        self._notifications: deque[Any] = deque(maxlen=max_notifications)

    async def call(
        self,
        method: str,
        params: Any = None,
        *,
        timeout: float | None = 30.0,  # noqa: ASYNC109
    ) -> Any:
        """Ask for `method`, and return the result. Cancelling it ignores the answer.

        Args:
            method: the name of the method.
            params: its parameters.
            timeout: in seconds, also for a connection while there is none; `None` for no limit.

        Raises:
            RpcError: the server has answered with an error.
            TimeoutError: there was no answer in time.
            ConnectionError: the connection was lost before the answer came. The server may have
                done what it was asked for.
        """
        ready = self._ready
        if ready.done() and not (ws := ready.result()).closed:
            return await self._call(ws, method, params, timeout)
        async with asyncio.timeout(timeout):
            ws = await self.connection()
        return await self._call(ws, method, params, timeout)

    async def subscribe(self, method: str, params: Any = None) -> Any:
        """Call `method` now and, with the same parameters, on each later connection."""
        result = await self.call(method, params)
        self._subscriptions.append((method, params))
        return result

    async def notifications(self) -> AsyncIterator[Any]:
        """Iterate over the messages that are no answers, on all connections.

        Raises:
            ConnectionError, OSError: there will be no further connection.
        """
        wait = _Wait()
        self._listeners.append(wait)
        try:
            while True:
                while self._notifications:
                    yield self._notifications.popleft()
                ws = await self.connection()
                if self._notifications:
                    continue
                wait.message = None
                with contextlib.suppress(wirespeed.ConnectionDisconnected):
                    await self._wait_for(wait, ws, None)
        finally:
            self._listeners.remove(wait)

    async def use(self, ws: wirespeed.WebSocketConnection) -> None:
        """Subscribe again, and wait for the end."""
        for method, params in self._subscriptions:
            await self._call(ws, method, params, 30.0)
        self.ready(ws)
        await ws.wait_closed()

    async def _call(
        self,
        ws: wirespeed.WebSocketConnection,
        method: str,
        params: Any,
        timeout: float | None,  # noqa: ASYNC109
    ) -> Any:
        number = next(self._numbers)
        wait = self._waits[number] = _Wait()
        try:
            await ws.send_json(self._dialect.request(number, method, params))
            await self._wait_for(wait, ws, timeout)
        except TimeoutError:
            raise TimeoutError(f"no answer to {method} within {timeout} seconds") from None
        finally:
            del self._waits[number]
        error = self._dialect.error(wait.message)
        if error is not None:
            raise RpcError(error)
        return wait.message.get("result")

    async def _wait_for(
        self, wait: _Wait, ws: wirespeed.WebSocketConnection, seconds: float | None
    ) -> None:
        """Read, or let another task read, until `wait` has its message."""
        began = time.monotonic()
        left = seconds
        try:
            while True:
                if self._is_reading:
                    wait.wake = asyncio.get_running_loop().create_future()
                    async with asyncio.timeout(left):
                        await wait.wake
                else:
                    self._is_reading = True
                    try:
                        self._take(await ws.receive_json(left))
                    finally:
                        self._is_reading = False
                if wait.message is not None:
                    return
                if seconds is not None:
                    left = max(began + seconds - time.monotonic(), 0.0)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            # What cannot be understood stays queued, and would fail each call.
            ws.abort()
            raise
        finally:
            if not self._is_reading and len(self._waits) + len(self._listeners) > 1:
                # The next one reads.
                waiting = itertools.chain(self._waits.values(), self._listeners)
                any(other.resume() for other in waiting)

    def _take(self, message: Any) -> None:
        if self._dialect.is_answer(message):
            # `None` if the caller waits no longer.
            wait = self._waits.get(message.get("id"))
            if wait is not None:
                wait.finish(message)
            return
        self.missed += len(self._notifications) == self._notifications.maxlen
        self._notifications.append(message)
        for listener in self._listeners:
            listener.finish(message)
