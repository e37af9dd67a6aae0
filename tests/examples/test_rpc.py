"""The recipes for requests and answers, against servers that come and go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

import wirespeed
from examples.rpc import graphql
from examples.rpc.graphql import GraphQL, GraphQLError
from examples.rpc.rpc import DevTools, HomeAssistant, JsonRpc, Rpc, RpcError
from wirespeed import ConnectionDisconnected, Reconnect

SOON = Reconnect(initial=0.001, maximum=0.001)
ONCE = Reconnect(should_retry=lambda exc: False)
Answer = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer, **options: Any) -> AsyncIterator[str]:
    async def handle(connection: ServerConnection) -> None:
        async for message in connection:
            await answer(connection, json.loads(message))

    async with serve(handle, "127.0.0.1", 0, **options) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/"


async def send(connection: ServerConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


def calls(url: str, reconnect: Reconnect = SOON, **options: Any) -> Rpc:
    return Rpc(wirespeed.connect(url, reconnect=reconnect), JsonRpc(), **options)


async def sums(connection: ServerConnection, request: dict[str, Any]) -> None:
    assert request["jsonrpc"] == "2.0"
    if request["method"] == "sum":
        await send(connection, jsonrpc="2.0", id=request["id"], result=sum(request["params"]))
    elif request["method"] == "fail":
        await send(connection, jsonrpc="2.0", id=request["id"], error={"code": -32601})
    elif request["method"] == "drop":
        connection.transport.abort()
    elif request["method"] == "watch":
        for number in request["params"]:
            await send(connection, jsonrpc="2.0", method="news", params=number)
        await send(connection, jsonrpc="2.0", id=request["id"], result="watching")


async def test_callers_get_their_own_answers() -> None:
    held: list[dict[str, Any]] = []

    async def in_reverse(connection: ServerConnection, request: dict[str, Any]) -> None:
        held.append(request)
        if len(held) == 3:
            for one in reversed(held):
                await send(connection, id=one["id"], result=one["params"])

    async with serving(in_reverse) as url, calls(url) as rpc:
        answers = await asyncio.gather(*(rpc.call("echo", [number]) for number in range(3)))
        assert answers == [[0], [1], [2]]


async def test_an_error_is_raised() -> None:
    async with serving(sums) as url, calls(url) as rpc:
        with pytest.raises(RpcError) as refused:
            await rpc.call("fail")
        assert refused.value.args == ({"code": -32601},)
        assert await rpc.call("sum", [1, 2]) == 3


async def test_timeouts_and_cancelling_leave_the_others_alone() -> None:
    async with serving(sums) as url, calls(url) as rpc:
        with pytest.raises(TimeoutError, match="no answer to nothing"):
            await rpc.call("nothing", timeout=0.01)
        waiting = asyncio.create_task(rpc.call("nothing"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await rpc.call("sum", [1]) == 1
        assert not rpc._waits


async def test_notifications_are_iterated_over_and_the_oldest_are_dropped() -> None:
    async with serving(sums) as url, calls(url, max_notifications=2) as rpc:
        assert await rpc.call("watch", [1, 2, 3]) == "watching"
        assert rpc.missed == 1
        seen = []
        async with aclosing(rpc.notifications()) as notifications:  # type: ignore[type-var]
            async for message in notifications:
                seen.append(message["params"])
                if len(seen) == 2:
                    break
        assert seen == [2, 3]


async def test_all_that_wait_fail_when_the_connection_is_lost() -> None:
    async with serving(sums) as url, calls(url) as rpc:
        waiting = [asyncio.create_task(rpc.call("nothing")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ConnectionDisconnected):
            await rpc.call("drop")
        for task in waiting:
            with pytest.raises(ConnectionDisconnected):
                await task
        # It waits for the next connection.
        assert await rpc.call("sum", [4, 5]) == 9


async def test_it_subscribes_again() -> None:
    async with serving(sums) as url, calls(url) as rpc:
        assert await rpc.subscribe("watch", [7]) == "watching"
        with pytest.raises(ConnectionDisconnected):
            await rpc.call("drop")
        seen = []
        async for message in rpc.notifications():
            seen.append(message["params"])
            if len(seen) == 2:
                break
        assert seen == [7, 7]


async def test_the_end_is_told_to_all() -> None:
    async with serving(sums) as url:
        async with calls(url, ONCE) as rpc:
            with pytest.raises(ConnectionDisconnected):
                await rpc.call("drop")
            with pytest.raises(ConnectionError):
                await rpc.call("sum", [1])
            with pytest.raises(ConnectionError):
                async for _ in rpc.notifications():
                    pass
        async with calls(url) as rpc:
            pass
        with pytest.raises(ConnectionError, match="closed"):
            await rpc.call("sum", [1])


async def test_a_server_that_cannot_be_reached() -> None:
    async with serving(sums) as url:
        pass
    with pytest.raises(ConnectionRefusedError):
        async with calls(url, ONCE):
            pass


@pytest.mark.parametrize(
    ("dialect", "request_", "answer", "failure", "event"),
    [
        (
            DevTools(),
            {"id": 1, "method": "go", "params": {"a": 1}},
            {"id": 1, "result": 5},
            {"id": 2, "error": "no"},
            {"method": "Page.loaded", "params": {}},
        ),
        (
            HomeAssistant(),
            {"id": 1, "type": "go", "a": 1},
            {"id": 1, "type": "result", "success": True, "result": 5},
            {"id": 2, "type": "result", "success": False, "error": "no"},
            {"id": 1, "type": "event", "event": {}},
        ),
    ],
)
async def test_dialects(dialect: Any, request_: Any, answer: Any, failure: Any, event: Any) -> None:
    seen: list[Any] = []

    async def serve_both(connection: ServerConnection, request: dict[str, Any]) -> None:
        seen.append(request)
        await send(connection, **event)
        await send(connection, **(answer if len(seen) == 1 else failure))

    async with (
        serving(serve_both) as url,
        Rpc(wirespeed.connect(url, reconnect=SOON), dialect) as rpc,
    ):
        assert await rpc.call("go", {"a": 1}) == 5
        assert seen == [request_]
        with pytest.raises(RpcError, match="no"):
            await rpc.call("go")
        assert await anext(rpc.notifications()) == event


async def ticking(connection: ServerConnection, message: dict[str, Any]) -> None:
    number = message.get("id")
    if message["type"] == "connection_init":
        assert message["payload"] == {"token": "t"}
        await send(connection, type="ping")
    elif message["type"] == "pong":
        await send(connection, type="connection_ack")
    elif message["type"] == "subscribe":
        query = message["payload"]["query"]
        if query == "wrong":
            await send(connection, type="error", id=number, payload=[{"message": "wrong"}])
        elif query == "drop":
            connection.transport.abort()
        else:
            variables = message["payload"]["variables"]
            await send(connection, type="next", id=number, payload={"data": variables})
            if query == "once":
                await send(connection, type="complete", id=number)
    elif message["type"] == "complete":
        await send(connection, type="next", id="1", payload={"data": "completed"})


def queries(url: str) -> GraphQL:
    return GraphQL(graphql.connect(url, reconnect=SOON), {"token": "t"})


OFFERED: dict[str, Any] = {"subprotocols": [graphql.SUBPROTOCOL]}


async def test_graphql_queries() -> None:
    async with serving(ticking, **OFFERED) as url, queries(url) as client:
        assert await client.execute("once", {"a": 1}) == {"a": 1}
        with pytest.raises(GraphQLError) as refused:
            await client.execute("wrong")
        assert refused.value.args == ({"message": "wrong"},)
        assert [data async for data in client.subscribe("once")] == [{}]


async def test_graphql_subscribes_again_but_repeats_no_query() -> None:
    async with serving(ticking, **OFFERED) as url, queries(url) as client:
        async with aclosing(client.subscribe("ticks", {"n": 1})) as ticks:
            assert await anext(ticks) == {"n": 1}
            with pytest.raises(ConnectionDisconnected):
                await client.execute("drop")
            assert await anext(ticks) == {"n": 1}
        assert not client._operations
