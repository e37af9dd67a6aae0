"""Real servers for the tests, each an async context manager in the test's own event loop.

A `Behaviour` describes what a server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

import picows
import websockets
from aiohttp import WSMsgType, web
from websockets.asyncio.server import ServerConnection, serve as websockets_serve
from websockets.http11 import Request, Response


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What a server does with each connection, in the order of the attributes.

    Attributes:
        refuse: answer with this status and body instead of 101.
        subprotocols: what the server speaks. Offer only one of them: with more, the
            packages choose differently.
        compression: accept permessage-deflate if it is offered (`websockets` and `aiohttp`).
        burst: messages to send as soon as the connection is open.
        fragments: one more message, with a frame for each of these (`websockets` only).
        pings: payloads of the Pings to send after that (`websockets` and `aiohttp`).
        close: code and reason to close with after the burst; `None` not to close.
        echo: whether to send every message back.
    """

    refuse: tuple[int, bytes] | None = None
    subprotocols: Sequence[str] = ()
    compression: bool = False
    burst: Sequence[str | bytes] = ()
    fragments: Sequence[str] = ()
    pings: Sequence[bytes] = ()
    close: tuple[int, str] | None = None
    echo: bool = True


@dataclass
class Server:
    """A running server.

    Attributes:
        url: where it listens.
        closes: code and reason of each connection's closing handshake as the server saw it,
            once the connection is over; 1005 where the client gave no code.
    """

    url: str
    closes: asyncio.Queue[tuple[int, str]] = field(default_factory=asyncio.Queue)


class ServerFactory(Protocol):
    """The function type that starts each server of this module."""

    def __call__(
        self, behaviour: Behaviour = ..., *, ssl: ssl.SSLContext | None = ...
    ) -> AbstractAsyncContextManager[Server]:
        """Start a server on a port that the system chooses; stop it when the block ends."""


NO_STATUS_RECEIVED: Final = 1005
ECHO: Final = Behaviour()


def url_of(server: asyncio.Server, ssl: ssl.SSLContext | None) -> str:
    """Return the URL of a listening server."""
    host, port = server.sockets[0].getsockname()[:2]
    return f"{'ws' if ssl is None else 'wss'}://{host}:{port}/"


@contextlib.asynccontextmanager
async def websockets_server(
    behaviour: Behaviour = ECHO, *, ssl: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Start a server of the package `websockets`."""
    server = Server("")

    async def handle(connection: ServerConnection) -> None:
        for message in behaviour.burst:
            await connection.send(message)
        if behaviour.fragments:
            await connection.send(behaviour.fragments)
        for payload in behaviour.pings:
            await connection.ping(payload)
        if behaviour.close is not None:
            await connection.close(*behaviour.close)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                if behaviour.echo:
                    await connection.send(message)
        await connection.wait_closed()
        code = NO_STATUS_RECEIVED if connection.close_code is None else connection.close_code
        server.closes.put_nowait((code, connection.close_reason or ""))

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        if behaviour.refuse is None:
            return None
        status, body = behaviour.refuse
        return connection.respond(HTTPStatus(status), body.decode())

    def select(connection: ServerConnection, offered: Sequence[str]) -> str | None:
        return choose(behaviour.subprotocols, offered)

    async with websockets_serve(
        handle,
        "127.0.0.1",
        0,
        ssl=ssl,
        process_request=refuse,
        select_subprotocol=select,  # type: ignore[arg-type]
        compression="deflate" if behaviour.compression else None,
        max_size=None,
        ping_interval=None,
    ) as listening:
        server.url = url_of(listening.server, ssl)
        yield server


@contextlib.asynccontextmanager
async def aiohttp_server(
    behaviour: Behaviour = ECHO, *, ssl: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Start a server of the package `aiohttp`."""
    server = Server("")

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if behaviour.refuse is not None:
            status, body = behaviour.refuse
            return web.Response(status=status, body=body)
        socket = web.WebSocketResponse(
            protocols=behaviour.subprotocols, compress=behaviour.compression, max_msg_size=0
        )
        await socket.prepare(request)
        for message in behaviour.burst:
            if isinstance(message, str):
                await socket.send_str(message)
            else:
                await socket.send_bytes(message)
        for payload in behaviour.pings:
            await socket.ping(payload)
        if behaviour.close is not None:
            code, text = behaviour.close
            await socket.close(code=code, message=text.encode())
            server.closes.put_nowait((socket.close_code or NO_STATUS_RECEIVED, ""))
            return socket
        while (received := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            if behaviour.echo and received.type is WSMsgType.TEXT:
                await socket.send_str(received.data)
            elif behaviour.echo:
                await socket.send_bytes(received.data)
        reason = received.extra if received.type is WSMsgType.CLOSE else None
        server.closes.put_nowait((socket.close_code or NO_STATUS_RECEIVED, reason or ""))
        return socket

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"{'ws' if ssl is None else 'wss'}://{host}:{port}/"
    try:
        yield server
    finally:
        await runner.cleanup()


class _PicowsListener(picows.WSListener):
    """One connection of `picows_server`."""

    def __init__(self, behaviour: Behaviour, server: Server) -> None:
        self.behaviour = behaviour
        self.server = server
        self.transport: picows.WSTransport | None = None
        self.over = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        for message in self.behaviour.burst:
            is_text = isinstance(message, str)
            transport.send(picows.WSMsgType.TEXT if is_text else picows.WSMsgType.BINARY, message)
        if self.behaviour.close is not None:
            code, reason = self.behaviour.close
            transport.send_close(code, reason.encode())  # type: ignore[arg-type]

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == picows.WSMsgType.CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else NO_STATUS_RECEIVED
            self.server.closes.put_nowait((code, payload[2:].decode()))
            if not transport.is_close_frame_sent:
                transport.send_close(frame.get_close_code(), payload[2:])
            transport.disconnect()
        elif self.behaviour.echo and frame.msg_type != picows.WSMsgType.PONG:
            transport.send(frame.msg_type, payload, fin=frame.fin)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.over.set()


@contextlib.asynccontextmanager
async def picows_server(
    behaviour: Behaviour = ECHO, *, ssl: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Start a server of the package `picows`."""
    server = Server("")
    listeners: list[_PicowsListener] = []

    def accept(
        request: picows.WSUpgradeRequest,
    ) -> picows.WSUpgradeResponseWithListener:
        if behaviour.refuse is not None:
            status, body = behaviour.refuse
            response = picows.WSUpgradeResponse.create_error_response(status, body)
            return picows.WSUpgradeResponseWithListener(response, None)
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        chosen = choose(behaviour.subprotocols, [name.strip() for name in offered.split(",")])
        headers = {} if chosen is None else {"Sec-WebSocket-Protocol": chosen}
        listener = _PicowsListener(behaviour, server)
        listeners.append(listener)
        response = picows.WSUpgradeResponse.create_101_response(headers)
        return picows.WSUpgradeResponseWithListener(response, listener)

    listening = await picows.ws_create_server(
        accept, "127.0.0.1", 0, ssl=ssl, max_frame_size=64 * 1024 * 1024
    )
    server.url = url_of(listening, ssl)
    try:
        yield server
    finally:
        listening.close()
        for listener in listeners:
            if listener.transport is not None:
                listener.transport.disconnect(graceful=False)
                await listener.over.wait()
        await listening.wait_closed()


def choose(spoken: Sequence[str], offered: Sequence[str]) -> str | None:
    """Return the first subprotocol that both sides know, in the server's order."""
    return next((name for name in spoken if name in offered), None)


SERVERS: Final[dict[str, ServerFactory]] = {
    "websockets": websockets_server,
    "aiohttp": aiohttp_server,
    "picows": picows_server,
}
