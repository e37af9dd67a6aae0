"""A python-socketio server on aiohttp, as a program of its own.

Clients ask for what is to happen by events. The plan only refuses WebSockets.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import socketio
from aiohttp import web

# The status that each WebSocket is refused with, in the order in which they come.
PLAN: Final = (None, None, None, None, 503, None, 401, 503)


class Events:
    """What clients can ask for, and what the server saw of each WebSocket or long poll."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.sio = socketio.AsyncServer(async_mode="aiohttp")
        self._sessions: dict[str, int] = {}
        self._received: dict[str, int] = {}
        self._requests: dict[str, web.Request] = {}
        self._websockets = 0
        self._ended = asyncio.Condition()
        self.sio.on("connect", self.connect)
        self.sio.on("disconnect", self.disconnect)
        for event in (self.echo, self.count, self.kick, self.abort):
            self.sio.on(event.__name__, event)

    @web.middleware
    async def refuse(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse WebSockets by the plan."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            number = self._websockets
            self._websockets += 1
            status = PLAN[number] if number < len(PLAN) else 500
            if status is not None:
                self.seen.append(f"{request.path} refused with {status}")
                return web.Response(status=status, text="by the plan\n")
        return await handler(request)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        """Let in who knows the word."""
        self._sessions[sid] = len(self.seen)
        self._received[sid] = 0
        self._requests[sid] = environ["aiohttp.request"]
        self.seen.append(f"{self._requests[sid].path} by {self.sio.transport(sid)}, {auth},")
        if auth != {"word": "of-the-test"}:
            raise socketio.exceptions.ConnectionRefusedError("the word is wrong", 7)

    async def disconnect(self, sid: str, reason: str) -> None:
        """Note how a session ended."""
        self.seen[self._sessions.pop(sid)] += f" {self._received[sid]} events, {reason}"
        async with self._ended:
            self._ended.notify_all()

    async def over(self) -> None:
        """Return when each session has ended."""
        async with self._ended:
            await self._ended.wait_for(lambda: not self._sessions)

    async def echo(self, sid: str, *data: Any) -> tuple[Any, ...]:
        """Answer what was sent."""
        self._received[sid] += 1
        return data

    async def count(self, sid: str, limit: int) -> None:
        """Send events with numbers, text and bytes by turns."""
        self._received[sid] += 1
        for n in range(limit):
            await self.sio.emit("number", (n, bytes([n % 256]) * n if n % 2 else "€" * n), to=sid)

    async def kick(self, sid: str) -> None:
        """End the session."""
        self._received[sid] += 1
        await self.sio.disconnect(sid)

    async def abort(self, sid: str) -> None:
        """Reset the TCP connection."""
        self._received[sid] += 1
        transport = self._requests[sid].transport
        assert transport is not None
        sock = transport.get_extra_info("socket")
        # Without a time to linger, closing the socket sends a reset.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def main() -> None:
    """Serve until the input ends."""
    events = Events()
    application = web.Application(middlewares=[events.refuse])
    events.sio.attach(application)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await events.over()
    print(*events.seen, sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
