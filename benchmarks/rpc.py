"""What a call of `examples/rpc` costs over an echo of the same messages.

Usage: `python -m benchmarks.rpc`.
Counts the processor time of the client. The echo encodes and decodes the same JSON, and has no time
limit. The first line is measured with a server in a process of its own, the second with a
connection that answers at once: what the recipe itself costs, with all of it in the processor's
caches.

On a virtual machine with 2 cores, under Python 3.11: 1.1 us over the echo with all in the caches.
With the server, 6 to 12 us over an echo of 43 to 54 us, while other programs kept both cores busy.
When each call had a timer of its own, it was 16 us over an echo of 44 us.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

import orjson
from websockets.asyncio.server import ServerConnection, serve

import wirespeed
from examples.rpc.rpc import JsonRpc, Rpc

CALLS = 3_000
ROUNDS = 7
PARAMS = {"symbol": "BTCUSD"}
RESULT = {"price": 67_012.34}


async def answer(connection: ServerConnection) -> None:
    """Answer each call; send the same answer to everything else."""
    async for message in connection:
        number = orjson.loads(message)["id"]
        reply = {"jsonrpc": "2.0", "id": number, "result": RESULT}
        await connection.send(orjson.dumps(reply), text=True)


async def run_server() -> None:
    """Serve until the standard input ends."""
    async with serve(answer, "127.0.0.1", 0, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def cost(once: Callable[[], Awaitable[object]], calls: int = CALLS) -> float:
    """Return the processor time of one call, in microseconds."""
    began = time.process_time()
    for _ in range(calls):
        await once()
    return (time.process_time() - began) / calls * 1e6


def connect(url: str) -> wirespeed.Connecting:
    """Connect with a fast JSON, which would otherwise cost more than all the rest."""
    return wirespeed.connect(url, loads=orjson.loads, dumps=orjson.dumps)


class Instant:
    """Stands in for a connection, and for `connect`: the answer is there at once."""

    closed = False

    def __init__(self) -> None:
        self._number = 0
        self._closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[Self]:
        yield self

    async def send_json(self, value: Any) -> None:
        """Note the number of the call."""
        self._number = value["id"]

    async def receive_json(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """Return the answer."""
        return {"jsonrpc": "2.0", "id": self._number, "result": RESULT}

    async def wait_closed(self) -> None:
        """Wait for the end."""
        await self._closed.wait()

    async def close(self) -> None:
        """End."""
        self._closed.set()


async def measure(place: str, ws: Any, connecting: Any) -> None:
    """Measure in turns, and print the medians."""
    dialect = JsonRpc()

    async def echo() -> None:
        await ws.send_json(dialect.request(1000, "price", PARAMS))
        await ws.receive_json()

    async with Rpc(connecting, dialect) as rpc:
        await cost(echo)
        pairs = [
            (await cost(echo), await cost(lambda: rpc.call("price", PARAMS))) for _ in range(ROUNDS)
        ]
    echoes, calls = zip(*pairs, strict=True)
    over = statistics.median(call - plain for plain, call in pairs)
    print(
        f"{place}: echo {statistics.median(echoes):.2f} us, call {statistics.median(calls):.2f} us,"
        f" over the echo {over:.2f} us (medians of {ROUNDS} rounds of {CALLS})"
    )


async def main() -> None:
    """Measure against a server in another process."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.rpc", "serve"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if server.stdout is None or server.stdin is None:
        raise RuntimeError("the server has no pipes")
    port = int(await server.stdout.readline())
    url = f"ws://127.0.0.1:{port}/"
    async with connect(url) as ws:
        await measure("with a server", ws, connect(url))
    await measure("at once", Instant(), Instant())
    server.stdin.close()
    await server.wait()


if __name__ == "__main__":
    asyncio.run(run_server() if sys.argv[1:] == ["serve"] else main())
