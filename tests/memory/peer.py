"""The peer of the scenes, in a process of its own, where every allocation succeeds.

It prints its port, and serves until its standard input ends. The path of a URL names the script of
`wire.SCRIPTS`. Messages of the client are sent back.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import zlib

from memory.wire import CLOSE, FIN, GO, PING, SCRIPTS, Script, frame
from rawserver import PONG, RawConnection, accept_response

TAIL = b"\x00\x00\xff\xff"
ACCEPTED = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"


class Peer:
    """One connection, seen from the peer."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection
        self._first = 0
        self._message = b""
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._sending: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Serve until the client has gone."""
        upgrade = await self._connection.read_upgrade()
        script = SCRIPTS[upgrade.line.split("/")[1].split(" ")[0]]
        deflates = "sec-websocket-extensions" in upgrade.headers
        await self._connection.write(accept_response(upgrade, *([ACCEPTED] if deflates else [])))
        try:
            while True:
                received = await self._connection.read_frame()
                if received.opcode == PONG:
                    self._answers.put_nowait(received.payload)
                elif received.opcode == PING:
                    await self._connection.write(frame(FIN | PONG, received.payload))
                elif received.opcode == CLOSE:
                    # At the end of our own script this is the answer to our Close frame.
                    await self._connection.write(frame(FIN | CLOSE, received.payload[:2]))
                    return
                else:
                    await self._take(
                        received.opcode, received.reserved, received.fin, received.payload, script
                    )
        finally:
            if self._sending is not None:
                self._sending.cancel()

    async def _take(
        self, opcode: int, reserved: int, fin: bool, payload: bytes, script: Script
    ) -> None:
        if opcode:
            self._first = opcode | reserved
        self._message += payload
        if not fin:
            return
        message, self._message = self._message, b""
        if self._first & 0x40:
            message = zlib.decompressobj(-15).decompress(message + TAIL)
        if message == GO.encode():
            self._sending = asyncio.create_task(self._play(script))
        else:
            opcode = self._first & 0x0F
            await self._connection.write(frame(FIN | opcode, message))

    async def _play(self, script: Script) -> None:
        for number, data in enumerate(script.reads):
            if number == len(script.reads) - 1:
                await self._connection.write(data)
                break
            # The Pong shows that the client has read this far, so the next write is the next read.
            mark = b"mark %d" % number
            await self._connection.write(data + frame(FIN | PING, mark))
            while await self._answers.get() != mark:
                pass
        if script.resets:
            self._connection.reset()


async def _handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await Peer(RawConnection(reader, writer)).serve()
    writer.close()


async def main() -> None:
    """Serve until the standard input ends."""
    server = await asyncio.start_server(_handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
