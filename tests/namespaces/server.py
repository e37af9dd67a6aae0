"""The server's process: a server of the package `websockets`, in a network namespace of its own.

It listens on all addresses. Its first line of output is the certificate that the client has to
trust, as JSON. After that it answers each line of its input with one line of JSON:

- `report`: what it did and saw on each connection, in the order of their openings.
- `down`: it closes all connections with 1001, and stops listening.
- `up`: it listens again.

The process ends when its input does. Does not use the package under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import ssl
import sys
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import trustme
import websockets
from namespaces.ending import end_with_input
from namespaces.link import NAME, PORT, SERVER_IPV4, SERVER_IPV6
from namespaces.numbered import blob, numbered
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request

# All clients may connect at once.
BACKLOG: Final = 1024


@dataclass
class Seen:
    """What the server did and saw on one connection.

    Attributes:
        path: the path of the request.
        begun: messages that it began to send.
        sent: messages that it sent.
        received: messages that came from the client.
        in_order: whether each text message began with its number, counted from 0.
        digest: SHA-256 of all messages together.
        code: the close code; `None` while the connection is open.
    """

    path: str
    begun: int = 0
    sent: int = 0
    received: int = 0
    in_order: bool = True
    digest: str = hashlib.sha256().hexdigest()
    code: int | None = None


class Service:
    """Serves every connection as its path says.

    - `/sink` only receives.
    - `/feed` sends numbered messages: `count` of them, each of `size` characters, with a pause of
      `pause` seconds, and closes, unless it is to `linger`. It receives meanwhile.
    - `/slow` only receives, and opens after `seconds`.
    - `/blob` sends one message of `size` random bytes, and closes.

    It answers the message "end" with what it has seen, without that message.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._server: Server | None = None
        self._plans: dict[ServerConnection, tuple[Seen, dict[str, str]]] = {}
        self.connections: list[Seen] = []

    async def up(self) -> None:
        self._server = await serve(
            self._handle,
            None,
            PORT,
            ssl=self._context,
            compression="deflate",
            max_size=None,
            ping_interval=None,
            backlog=BACKLOG,
            process_request=self._open,
        )

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _open(self, connection: ServerConnection, request: Request) -> None:
        target = urlsplit(request.path)
        seen, query = Seen(target.path), dict(parse_qsl(target.query))
        self.connections.append(seen)
        self._plans[connection] = seen, query
        await asyncio.sleep(float(query.get("seconds", "0")))

    async def _handle(self, connection: ServerConnection) -> None:
        seen, query = self._plans.pop(connection)
        sending = asyncio.create_task(self._send(connection, seen, query))
        try:
            with contextlib.suppress(websockets.ConnectionClosed):
                await self._receive(connection, seen)
            await connection.wait_closed()
            seen.code = connection.close_code
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _receive(self, connection: ServerConnection, seen: Seen) -> None:
        digest = hashlib.sha256()
        async for message in connection:
            if message == "end":
                await connection.send(json.dumps(asdict(seen)))
                continue
            if isinstance(message, str):
                seen.in_order &= message.startswith(f"{seen.received} ")
            digest.update(message.encode() if isinstance(message, str) else message)
            seen.digest = digest.hexdigest()
            seen.received += 1

    async def _send(self, connection: ServerConnection, seen: Seen, query: dict[str, str]) -> None:
        if seen.path == "/blob":
            seen.begun += 1
            await connection.send(blob(int(query["size"])))
            seen.sent += 1
            await connection.close()
        elif seen.path == "/feed":
            numbers = range(int(query["count"])) if "count" in query else itertools.count()
            for number in numbers:
                seen.begun += 1
                await connection.send(numbered(number, int(query.get("size", "0"))))
                seen.sent += 1
                await asyncio.sleep(float(query["pause"]))
            if "linger" not in query:
                await connection.close()

    async def answer(self, command: str) -> Any:
        """Obey one line of the input."""
        if command == "down":
            await self.down()
        elif command == "up":
            await self.up()
        return [asdict(seen) for seen in self.connections]


async def main(is_tls: bool) -> None:
    """Serve for as long as the process lives."""
    ca = trustme.CA()
    context = None
    if is_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(NAME, SERVER_IPV4, SERVER_IPV6).configure_cert(context)
    service = Service(context)
    await service.up()
    loop, commands = asyncio.get_running_loop(), asyncio.Queue[str]()
    end_with_input(lambda line: loop.call_soon_threadsafe(commands.put_nowait, line.strip()))
    print(json.dumps(ca.cert_pem.bytes().decode()), flush=True)
    while True:
        print(json.dumps(await service.answer(await commands.get())), flush=True)


if __name__ == "__main__":
    asyncio.run(main("--tls" in sys.argv))
