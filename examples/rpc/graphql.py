"""Queries and subscriptions of GraphQL over one connection, in the protocol `graphql-transport-ws`.

Usage: `async with GraphQL(connect(url)) as graphql: async for data in graphql.subscribe("...")`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import wirespeed
from examples.rpc.link import Link

SUBPROTOCOL = "graphql-transport-ws"


class GraphQLError(Exception):
    """The server has answered with errors, which are in `args`."""


def connect(url: str, **options: Any) -> wirespeed.Connecting:
    """Call `wirespeed.connect` with the subprotocol of GraphQL."""
    return wirespeed.connect(url, subprotocols=[SUBPROTOCOL], **options)


@dataclass
class _Operation:
    request: dict[str, Any]
    # A mutation must not run twice.
    repeats: bool
    arrived: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)


class GraphQL(Link):
    """Runs operations; any number of tasks may do so at the same time.

    Subscriptions go on after a reconnect. What was published in between is missing.

    Args:
        connecting: the result of `connect`.
        payload: what to send with `connection_init`, such as a token.
    """

    def __init__(
        self, connecting: wirespeed.Connecting, payload: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(connecting)
        self._payload = payload
        self._numbers = itertools.count(1)
        self._operations: dict[str, _Operation] = {}

    async def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> Any:
        """Run a query or a mutation, and return its `data`.

        Raises:
            GraphQLError: the server has answered with errors.
            TimeoutError: there was no answer in time.
            ConnectionError, OSError: there is no connection, and there will be none.
        """
        async with (
            asyncio.timeout(timeout),
            aclosing(self._operate(query, variables, False)) as data,
        ):
            return await anext(data)

    def subscribe(
        self, query: str, variables: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Any, None]:
        """Iterate over the `data` of each result, until the server completes the operation.

        Leave it with `aclosing`, or the server goes on until the garbage collector comes.

        Raises:
            GraphQLError, ConnectionError, OSError: as for `execute`.
        """
        return self._operate(query, variables, True)

    async def _operate(
        self, query: str, variables: Mapping[str, Any] | None, repeats: bool
    ) -> AsyncGenerator[Any, None]:
        number = str(next(self._numbers))
        payload = {"query": query, "variables": dict(variables or {})}
        operation = _Operation({"id": number, "type": "subscribe", "payload": payload}, repeats)
        ws = await self.connection()
        self._operations[number] = operation
        try:
            await ws.send_json(operation.request)
            while (result := await operation.arrived.get()) is not None:
                if isinstance(result, Exception):
                    raise result
                if result.get("errors"):
                    raise GraphQLError(*result["errors"])
                yield result["data"]
        finally:
            # Not there any more if the server has completed it.
            if self._operations.pop(number, None) is not None and not ws.closed:
                with suppress(ConnectionError):
                    await ws.send_json({"id": number, "type": "complete"})

    async def use(self, ws: wirespeed.WebSocketConnection) -> None:
        """Greet the server, subscribe again, and hand results to their operations."""
        greeting: dict[str, Any] = {"type": "connection_init"}
        if self._payload is not None:
            greeting["payload"] = self._payload
        await ws.send_json(greeting)
        async with asyncio.timeout(10):
            while (message := await ws.receive_json())["type"] != "connection_ack":
                await self._take(ws, message)
        for operation in list(self._operations.values()):
            await ws.send_json(operation.request)
        self.ready(ws)
        async for message in ws.json():
            await self._take(ws, message)

    async def _take(self, ws: wirespeed.WebSocketConnection, message: dict[str, Any]) -> None:
        kind, number = message["type"], message.get("id", "")
        if kind == "ping":
            await ws.send_json({"type": "pong"})
        elif kind == "next" and number in self._operations:
            self._operations[number].arrived.put_nowait(message["payload"])
        elif kind == "error":
            self._finish(number, GraphQLError(*message["payload"]))
        elif kind == "complete":
            self._finish(number, None)

    def _finish(self, number: str, result: Exception | None) -> None:
        operation = self._operations.pop(number, None)
        if operation is not None:
            operation.arrived.put_nowait(result)

    def lost(self, error: Exception) -> None:
        """Let queries and mutations fail; the next connection subscribes again to the others."""
        for number, operation in list(self._operations.items()):
            if not operation.repeats:
                self._finish(number, error)

    def ended(self, error: Exception) -> None:
        """Let all operations fail, after what has arrived."""
        for number in list(self._operations):
            self._finish(number, error)
