"""A server for clients of one protocol, with a fault for each connection.

It is built on the `websockets` server, and runs in a process where nothing is ever replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

# How long connections may take to end after the program has ended.
SETTLE_SECONDS: Final = 10.0

# How long a server is silent that only talks, before a fault.
SILENCE_SECONDS: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Act:
    """What the server does with one connection. Without a fault, it talks until the client closes.

    Attributes:
        refuse: the status to answer instead of 101.
        received: the number of messages after which the fault happens.
        sent: the same, for protocols in which only the server talks. It falls silent before the
            fault, so that the program has seen everything: some look at the state before the
            queue, and then it is chance what they see of the last messages.
        close: code and reason to close with.
        abort: reset the TCP connection.
    """

    refuse: int | None = None
    received: int | None = None
    sent: int | None = None
    close: tuple[int, str] | None = None
    abort: bool = False


TALK: Final = Act()

# What most programs are put through, each on a connection of its own.
FAULTS: Final = (
    Act(received=20, close=(1000, "that is all")),
    Act(received=20, close=(1011, "internal error")),
    Act(received=20, close=(4001, "out of credit")),
    Act(received=20, abort=True),
    Act(refuse=401),
    Act(refuse=503),
)

# For a program that connects again after each fault, but the status 401.
RESTARTS: Final = (
    Act(received=20, close=(1012, "restarting")),
    Act(received=20, abort=True),
    Act(refuse=503),
    TALK,
)


class OverError(Exception):
    """The connection is over, by the client's will or by the act."""


class Peer:
    """The server's end of one connection.

    Attributes:
        path: the path and query of the request.
    """

    def __init__(self, ws: ServerConnection, act: Act) -> None:
        assert ws.request is not None
        self.path = ws.request.path
        self.received = 0
        self.sent = 0
        self._ws = ws
        self._act = act

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises:
            OverError: the connection is over.
        """
        try:
            message = await self._ws.recv()
        except ConnectionClosed:
            raise OverError from None
        self.received += 1
        if self.received == self._act.received:
            await self._end()
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            OverError: the connection is over.
        """
        try:
            await self._ws.send(message)
        except ConnectionClosed:
            raise OverError from None
        self.sent += 1
        if self.sent == self._act.sent:
            await asyncio.sleep(SILENCE_SECONDS)
            await self._end()

    async def receive_json(self) -> Any:
        """Return the next message, parsed as JSON; raises like `receive`."""
        return json.loads(await self.receive())

    async def send_json(self, value: object) -> None:
        """Send a message in JSON; raises like `send`."""
        await self.send(json.dumps(value))

    async def _end(self) -> None:
        if self._act.abort:
            # Without a time to linger, closing the socket sends a reset.
            sock = self._ws.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._ws.transport.abort()
        elif self._act.close is not None:
            await self._ws.close(*self._act.close)
        raise OverError

    @property
    def outcome(self) -> str:
        """What the client did: how many messages it sent, and how it closed."""
        if self._act.abort:
            return f"{self.received} messages, aborted"
        return f"{self.received} messages, {self._ws.close_code} {self._ws.close_reason!r}"


Session = Callable[[Peer], Awaitable[None]]


@dataclass
class Server:
    """A running server.

    Attributes:
        port: where it listens, on 127.0.0.1.
        requests: what the server saw of each connection, in the order in which they came.
    """

    port: int = 0
    requests: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def serving(
    session: Session,
    plan: Sequence[Act],
    *,
    subprotocols: Sequence[str] = (),
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Server]:
    """Serve one act of the plan to each connection, in their order, and then refuse with 500.

    Args:
        session: talks the protocol on one connection; it returns or raises `OverError` at the end.
        plan: the acts.
        subprotocols: what the server speaks.
        context: for TLS.
    """
    server = Server()
    acts: dict[ServerConnection, int] = {}

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        number = len(server.requests)
        act = plan[number] if number < len(plan) else Act(refuse=500)
        server.requests.append(request.path)
        if act.refuse is None:
            acts[connection] = number
            return None
        status = HTTPStatus(act.refuse)
        server.requests[number] += f" refused with {act.refuse}"
        return connection.respond(status, f"{status.phrase} by the plan\n")

    async def handle(connection: ServerConnection) -> None:
        number = acts.pop(connection)
        peer = Peer(connection, plan[number])
        running.add(number)
        try:
            with contextlib.suppress(OverError):
                await session(peer)
            await connection.close()
            shown = f"as {connection.subprotocol}, " if connection.subprotocol else ""
            server.requests[number] += f" {shown}{peer.outcome}"
        finally:
            running.remove(number)
            ended.set()

    running: set[int] = set()
    ended = asyncio.Event()
    async with serve(
        handle,
        "127.0.0.1",
        0,
        ssl=context,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        process_request=answer,
        ping_interval=None,
        max_size=None,
    ) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        yield server
        async with asyncio.timeout(SETTLE_SECONDS):
            while running:
                ended.clear()
                await ended.wait()
