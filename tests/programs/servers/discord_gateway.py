"""Discord's gateway and the requests of a login, on aiohttp, as a program of its own.

The name of the game that a bot says it plays is a command. The plan only refuses WebSockets.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any, Final

from aiohttp import web

# The status that each WebSocket is refused with, in the order in which they come.
PLAN: Final = (*(None,) * 6, 503, *(None,) * 6, 401, 503)

# Milliseconds between heartbeats, on the first connection and on the others.
SOON_MS: Final = 100
LATE_MS: Final = 3_600_000

USER: Final = {"id": "1", "username": "of-the-test", "discriminator": "0", "avatar": None}
APPLICATION: Final = {
    "id": "2",
    "name": "of the test",
    "description": "",
    "icon": None,
    "bot_public": False,
    "bot_require_code_grant": False,
    "owner": USER,
    "verify_key": "",
}


class Op(IntEnum):
    """The opcodes of the gateway."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Session:
    """What was dispatched to a bot, and can be replayed.

    Args:
        name: its identifier.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[dict[str, Any]] = []

    def event(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """Add an event, and return it as it is sent."""
        event = {"op": Op.DISPATCH, "s": len(self.events) + 1, "t": kind, "d": data}
        self.events.append(event)
        return event

    def message(self, text: str) -> dict[str, Any]:
        """Add a direct message."""
        data: dict[str, Any] = {
            "id": str(1000 + len(self.events)),
            "channel_id": "3",
            "author": USER,
            "content": text,
            "timestamp": "2026-11-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
        }
        return self.event("MESSAGE_CREATE", data)


class Link:
    """The server's end of one WebSocket, with one zlib stream for all that it sends.

    Attributes:
        request: the request that opened it.
        ws: the WebSocket.
        session: the session that the bot has started or resumed.
        presences: how many times the bot told what it plays.
        ending: how the WebSocket ended, if not with a code of the client's.
    """

    def __init__(self, request: web.Request, ws: web.WebSocketResponse) -> None:
        self.request = request
        self.ws = ws
        self.session = Session("")
        self.presences = 0
        self.ending = ""
        self._beats_left = 0
        self._deflate = zlib.compressobj()

    async def send(self, value: object) -> None:
        """Send a payload; a long one in several messages, as the protocol allows."""
        data = self._deflate.compress(json.dumps(value).encode())
        data += self._deflate.flush(zlib.Z_SYNC_FLUSH)
        for start in range(0, len(data), 150):
            await self.ws.send_bytes(data[start : start + 150])

    async def beat(self) -> None:
        """Answer a heartbeat; the last one that was asked for with a message as well."""
        await self.send({"op": Op.HEARTBEAT_ACK})
        if self._beats_left:
            self._beats_left -= 1
            if not self._beats_left:
                await self.send(self.session.message("enough heartbeats"))

    def expect_beats(self, times: int) -> None:
        """Tell the bot when that many heartbeats have come from now on."""
        self._beats_left = times

    def reset(self) -> None:
        """Reset the TCP connection."""
        transport = self.request.transport
        if transport is None:
            return  # the bot was faster
        sock = transport.get_extra_info("socket")
        # Without a time to linger, closing the socket sends a reset.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class Gateway:
    """What the server knows of its bots, and what it saw of each WebSocket."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._sessions: dict[str, Session] = {}
        self._open = 0
        self._changed = asyncio.Condition()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse a WebSocket by the plan, or serve it."""
        number = len(self.seen)
        status = PLAN[number] if number < len(PLAN) else 500
        self.seen.append(request.path_qs)
        async with self._changed:
            self._changed.notify_all()
        if status is not None:
            self.seen[number] += f" refused with {status}"
            return web.Response(status=status, text="by the plan\n")
        self._open += 1
        try:
            ws = web.WebSocketResponse()
            await ws.prepare(request)
            link = Link(request, ws)
            await self._serve(link, number)
            self.seen[number] += f", {link.presences} presences, {link.ending or ws.close_code}"
        finally:
            self._open -= 1
            async with self._changed:
                self._changed.notify_all()
        return ws

    async def over(self) -> None:
        """Return when each WebSocket has ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._open)

    async def _serve(self, link: Link, number: int) -> None:
        interval = LATE_MS if number else SOON_MS
        await link.send({"op": Op.HELLO, "d": {"heartbeat_interval": interval}})
        async for message in link.ws:
            value = json.loads(message.data)
            data = value["d"]
            match value["op"]:
                case Op.HEARTBEAT:
                    await link.beat()
                case Op.IDENTIFY:
                    await self._identify(link)
                    self.seen[number] += f" starts {link.session.name} as {data['token']}"
                case Op.RESUME:
                    link.session = self._sessions[data["session_id"]]
                    await self._replay(link, data["seq"])
                    self.seen[number] += f" resumes {link.session.name} after {data['seq']}"
                case Op.PRESENCE:
                    link.presences += 1
                    [game] = data["activities"]
                    await self._obey(link, *game["name"].split(" ", 1))

    async def _identify(self, link: Link) -> None:
        session = link.session = Session(f"session {len(self._sessions) + 1}")
        self._sessions[session.name] = session
        ready = {
            "v": 10,
            "user": USER,
            "guilds": [],
            "session_id": session.name,
            "resume_gateway_url": f"ws://{link.request.host}/resume",
            "application": {"id": APPLICATION["id"], "flags": 0},
        }
        await link.send(session.event("READY", ready))

    async def _replay(self, link: Link, after: int) -> None:
        for event in link.session.events[after:]:
            await link.send(event)
        await link.send(link.session.event("RESUMED", {}))

    async def _obey(self, link: Link, word: str, argument: str = "") -> None:
        """Do what the bot says."""
        session = link.session
        match word:
            case "say":
                await link.send(session.message(argument))
                return
            case "count":
                for n in range(int(argument)):
                    await link.send(session.message(f"tick {n} €" * (n % 20)))
                return
            case "beats":
                link.expect_beats(int(argument))
                return
            case "leave":
                # discord.py then closes twice at once, with 1000 and 4000.
                link.ending = "left"
                return
        for n in range(20):
            session.message(f"missed {n}")
        match word:
            case "close":
                await link.ws.close(code=int(argument))
            case "reset":
                link.ending = "reset"
                link.reset()
            case "reconnect":
                await link.send({"op": Op.RECONNECT, "d": None})
            case "forget":
                await link.send({"op": Op.INVALID_SESSION, "d": False})
            case "hush":
                await self._hush(link)

    async def _hush(self, link: Link) -> None:
        """Do nothing until the bot connects again."""
        before = len(self.seen)
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.seen) > before)
        link.ending = "silent"
        link.reset()


def answering(value: object) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that answers requests with a value."""

    async def answer(_request: web.Request) -> web.Response:
        # As Discord says it: without the charset that `json_response` adds.
        return web.Response(body=json.dumps(value).encode(), content_type="application/json")

    return answer


async def main() -> None:
    """Serve until the input ends."""
    gateway = Gateway()
    server = web.Application()
    server.add_routes(
        [
            web.get("/users/@me", answering(USER)),
            web.get("/oauth2/applications/@me", answering(APPLICATION)),
            web.get("/gateway", gateway.handle),
            web.get("/resume", gateway.handle),
        ]
    )
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await gateway.over()
    print(*gateway.seen, sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
