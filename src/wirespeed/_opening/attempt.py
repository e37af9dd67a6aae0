"""One attempt to connect: computes URL and headers, opens a connection, and calls `on_open`.

Does not retry.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from .._base.arguments import check_seconds
from .._base.rfc6455 import CloseCode
from .._handshake.request import HeadersLike
from .._handshake.url import URLLike, parse_url
from ..connection import WebSocketConnection
from ..exceptions import InvalidURL, OpenTimeout
from .open_connection import open_connection
from .plan import Plan

T = TypeVar("T")

ComputeUrl: TypeAlias = Callable[[], URLLike | Awaitable[URLLike]]
ComputeHeaders: TypeAlias = Callable[[], HeadersLike | Awaitable[HeadersLike | None] | None]
OnOpen: TypeAlias = Callable[[WebSocketConnection], Awaitable[object] | object]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Attempt:
    """The inputs of each attempt.

    Attributes:
        plan: the arguments that stay the same.
        compute_url: returns the URL for each attempt; `None` to use the plan's URL.
        compute_headers: returns the headers for each attempt; `None` to use the plan's headers.
        on_open: called with the open connection; `None` to call nothing.
    """

    plan: Plan
    compute_url: ComputeUrl | None = None
    compute_headers: ComputeHeaders | None = None
    on_open: OnOpen | None = None

    async def open(self) -> WebSocketConnection:
        """Open a connection, or leave nothing open.

        Safe to cancel.

        Raises:
            OpenTimeout: one of the functions took longer than `open_timeout`.
            Exception: any error of `open_connection` or of the functions.
            RuntimeError: no event loop of asyncio is running.
        """
        running_loop()
        plan = self.plan
        try:
            if self.compute_url is not None or self.compute_headers is not None:
                plan = await self._computed_plan()
            connection = await open_connection(plan)
        except BaseException:
            if isinstance(plan.route.sock, socket.socket):
                plan.route.sock.close()
            raise
        if self.on_open is not None:
            await self._greet(connection, self.on_open)
        return connection

    def place(self) -> str:
        """Return the server's name for the log: the URL without user name and query."""
        if self.compute_url is not None:
            return "a computed URL"
        try:
            return parse_url(self.plan.url).shown
        except (TypeError, InvalidURL):
            return "an invalid URL"

    async def _computed_plan(self) -> Plan:
        plan = self.plan
        check_seconds("open_timeout", plan.open_timeout)
        if self.compute_url is not None:
            plan = replace(plan, url=await self._finished("url", self.compute_url()))
        if self.compute_headers is not None:
            headers = await self._finished("headers", self.compute_headers())
            plan = replace(plan, ask=replace(plan.ask, headers=headers))
        return plan

    async def _greet(self, connection: WebSocketConnection, on_open: OnOpen) -> None:
        """Run `on_open`; if it fails, close the connection; if it is cancelled, abort it."""
        try:
            try:
                await self._finished("on_open", on_open(connection))
            except Exception:
                await connection.close(CloseCode.INTERNAL_ERROR)
                raise
        except BaseException:
            connection.abort()
            raise

    async def _finished(self, name: str, result: Awaitable[T] | T) -> T:
        """Return the result of the caller's function `name`; await it if it is awaitable."""
        if not inspect.isawaitable(result):
            return result
        # The caller's function could otherwise last forever.
        seconds = self.plan.open_timeout
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await result
        except TimeoutError as exc:
            if not deadline.expired():
                raise
            raise OpenTimeout(f"{name} did not finish within {seconds} seconds") from exc


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        RuntimeError: asyncio does not run here, for example under trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "no event loop of asyncio is running: use asyncio.run, or anyio with its backend"
            " asyncio; trio is not supported"
        ) from None
