"""What a call of `examples/rpc` costs over an echo of the same messages.

Usage: `python -m benchmarks.rpc`.
Counts the processor time of the client; the server is a process of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

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


async def measure(url: str) -> None:
    """Measure in turns, and print the medians."""
    request = orjson.dumps(JsonRpc().request(1000, "price", PARAMS)).decode()
    async with wirespeed.connect(url) as ws:

        async def echo() -> None:
            await ws.send_text(request)
            await ws.receive_text()

        connecting = wirespeed.connect(url, loads=orjson.loads, dumps=orjson.dumps)
        async with Rpc(connecting, JsonRpc()) as rpc:
            await cost(echo)
            pairs = [
                (await cost(echo), await cost(lambda: rpc.call("price", PARAMS)))
                for _ in range(ROUNDS)
            ]
    echoes, calls = zip(*pairs, strict=True)
    over = statistics.median(call - plain for plain, call in pairs)
    print(
        f"echo {statistics.median(echoes):.2f} us, call {statistics.median(calls):.2f} us,", end=""
    )
    print(f" over the echo {over:.2f} us (medians of {ROUNDS} rounds of {CALLS})")


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
    await measure(f"ws://127.0.0.1:{port}/")
    server.stdin.close()
    await server.wait()


if __name__ == "__main__":
    asyncio.run(run_server() if sys.argv[1:] == ["serve"] else main())
