"""Requests and answers by id over one connection: JSON-RPC 2.0, Chrome DevTools, Home Assistant.

Usage: `async with Rpc(wirespeed.connect(url), JsonRpc()) as rpc: await rpc.call("sum", [1, 2])`.
"""

from __future__ import annotations

import asyncio
import itertools
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


class Rpc(Link):
    """Calls methods of a server; any number of tasks may call at the same time.

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
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._subscriptions: list[tuple[str, Any]] = []
        self._notifications: deque[Any] = deque(maxlen=max_notifications)
        self._news = asyncio.Event()
        self._end: Exception | None = None

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
        if not self._ready.done():
            async with asyncio.timeout(timeout):
                await self.connection()
        return await self._call(self._ready.result(), method, params, timeout)

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
        while True:
            while self._notifications:
                yield self._notifications.popleft()
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()

    async def opened(self, ws: wirespeed.WebSocketConnection) -> None:
        """Subscribe again."""
        for method, params in self._subscriptions:
            await self._call(ws, method, params, 30.0)

    async def _call(
        self,
        ws: wirespeed.WebSocketConnection,
        method: str,
        params: Any,
        timeout: float | None,  # noqa: ASYNC109
    ) -> Any:
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        answer = self._answers[number] = loop.create_future()
        # A timer of the loop costs a third of `asyncio.timeout`.
        timer = None if timeout is None else loop.call_later(timeout, _expire, answer, method)
        try:
            await ws.send_json(self._dialect.request(number, method, params))
            return await answer
        finally:
            if timer is not None:
                timer.cancel()
            del self._answers[number]

    def take(self, ws: wirespeed.WebSocketConnection, message: Any) -> None:
        """Hand an answer to its caller, or keep a notification."""
        if not self._dialect.is_answer(message):
            self.missed += len(self._notifications) == self._notifications.maxlen
            self._notifications.append(message)
            self._news.set()
            return
        # `None` if the caller waits no longer.
        answer = self._answers.get(message.get("id"))
        if answer is not None and not answer.done():
            error = self._dialect.error(message)
            if error is None:
                answer.set_result(message.get("result"))
            else:
                answer.set_exception(RpcError(error))

    def lost(self, error: Exception) -> None:
        """Let all calls fail that wait for an answer."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)

    def ended(self, error: Exception) -> None:
        """Let the iterators over notifications end, after what has arrived."""
        self.lost(error)
        self._end = error
        self._news.set()


def _expire(answer: asyncio.Future[Any], method: str) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError(f"no answer to {method} in time"))
