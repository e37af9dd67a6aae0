"""The servers that the Python blocks of the pages talk to, each in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from typing import Final

import websockets.sync.server

import wirespeed
from wirespeed.testing import Script, ServerConnection, refuse, serve

TICKS: Final = [
    {"symbol": "BTCUSD", "price": 64000.5},
    {"symbol": "ETHUSD", "price": 3100.25},
    {"symbol": "BTCUSD", "price": 64001.0},
]
LARGE: Final = "0123456789" * 100_000


async def ticks(client: ServerConnection) -> None:
    """Send three ticks, and close."""
    for tick in TICKS:
        await client.send_json(tick)


async def echo(client: ServerConnection) -> None:
    """Send back what arrives."""
    # A client may close with any code.
    with contextlib.suppress(wirespeed.ConnectionDisconnected):
        async for message in client:
            await client.send(message)


async def silent(client: ServerConnection) -> None:
    """Send nothing; take what arrives."""
    with contextlib.suppress(wirespeed.ConnectionDisconnected):
        async for _ in client:
            pass


async def pairs(client: ServerConnection) -> None:
    """Send text and binary messages by turns, and wait for the client to close."""
    for number in range(3):
        await client.send(f"text {number}")
        await client.send(b"binary")
    await silent(client)


async def large(client: ServerConnection) -> None:
    """Send a megabyte in one message, and close."""
    await client.send(LARGE)


async def upload(client: ServerConnection) -> None:
    """Answer each message with its size."""
    async for message in client:
        await client.send_json({"size": len(message)})


async def rpc(client: ServerConnection) -> None:
    """Add up the parameters of each request, as JSON-RPC."""
    async for message in client:
        request = json.loads(message)
        await client.send_json({"id": request["id"], "result": sum(request["params"])})


async def hello_gateway(client: ServerConnection) -> None:
    """Announce the interval of heartbeats, send an event, and close."""
    await client.send_json({"op": "hello", "interval": 30})
    await client.send_json({"op": "event"})


async def leaves(client: ServerConnection) -> None:
    """Send one message, and close with a code of its own."""
    await client.send("bye")
    await client.close(4000, "maintenance")


async def torn(client: ServerConnection) -> None:
    """Take the subscription, send a tick, and reset the connection once it has arrived."""
    await client.receive()
    await client.send_json(TICKS[0])
    await client.ping()
    client.reset()


async def restarts(client: ServerConnection) -> None:
    """Take the subscription, send a tick, and close as a server that restarts does."""
    await client.receive()
    await client.send_json(TICKS[1])
    await client.close(1012, "restart")


SCRIPTS: Final[dict[str, tuple[Script, ...]]] = {
    "ticks": (ticks,),
    "echo": (echo,),
    "silent": (silent,),
    "pairs": (pairs,),
    "large": (large,),
    "upload": (upload,),
    "rpc": (rpc,),
    "gateway": (hello_gateway,),
    "leaves": (leaves,),
    # The last refusal ends the loop of a program that would run for ever.
    "torn": (torn,),
    "bad network": (torn, refuse(503), restarts, refuse(403)),
    "refuses": (refuse(401, body="no token"),),
    "twice": (ticks, ticks, refuse(403)),
}


@contextlib.contextmanager
def serving(name: str, server_ssl: ssl.SSLContext) -> Iterator[str]:
    """Run the server of that name for the length of the block; yield its URL."""
    if name == "deflate":
        with _serving_websockets() as url:
            yield url
    elif name == "tls":
        with serve(ticks, ssl=server_ssl) as url:
            yield url
    else:
        with serve(*SCRIPTS[name], subprotocols=["v2"]) as url:
            yield url


@contextlib.contextmanager
def _serving_websockets() -> Iterator[str]:
    """Run a server that compresses, and sends back what arrives."""

    def handle(connection: websockets.sync.server.ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with websockets.sync.server.serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        finally:
            server.shutdown()
            thread.join()
