"""A `nats-server` behind a relay, which resets connections and refuses them by a plan.

The server cannot do either when a test wants it to.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

CONFIGURATION: Final = """
listen: "127.0.0.1:-1"
websocket {{ listen: "127.0.0.1:-1", no_tls: true }}
authorization {{ token: "of-the-test" }}
max_payload: 100000
ports_file_dir: "{directory}"
"""

# The status that each connection is refused with, in the order in which they come.
PLAN: Final = (None, None, 503, None, 401, None, None, None)

# A message with this text, on its way to the client, resets the connection. The server's frames are
# neither masked nor compressed.
RESET: Final = b"reset this connection"


class Relay:
    """Passes connections on to the server, and notes what happened to each."""

    def __init__(self, port: int) -> None:
        self.seen: list[str] = []
        self._port = port

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on, or refuse it by the plan."""
        number = len(self.seen)
        self.seen.append("passed on")
        status = PLAN[number] if number < len(PLAN) else 500
        if status is not None:
            self.seen[number] = f"refused with {status}"
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                head = f"HTTP/1.1 {status} By the plan\r\nContent-Length: 0\r\nConnection: close"
                writer.write(head.encode() + b"\r\n\r\n")
                await writer.drain()
            writer.close()
            return
        near, far = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            to_server = asyncio.create_task(self._copy(reader, far))
            to_client = asyncio.create_task(self._copy(near, writer))
            if await to_client:
                self.seen[number] += ", reset"
            await asyncio.wait([to_server], timeout=5)
            to_server.cancel()
        finally:
            far.close()
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Copy until the end, or until a message asks for a reset.

        Returns:
            Whether the connection was reset.
        """
        last = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                last = last[-len(RESET) :] + data
                if RESET in last:
                    # Without a time to linger, closing the socket sends a reset.
                    sock: Any = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return True
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        return False


def port_in(directory: Path) -> int | None:
    """Return the port for WebSockets; `None` until the server has written it."""
    for path in directory.glob("*.ports"):
        with contextlib.suppress(json.JSONDecodeError):
            [url] = json.loads(path.read_text(encoding="utf-8"))["websocket"]
            return int(url.rpartition(":")[2])
    return None


async def main() -> None:
    """Serve until the input ends."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        file = directory / "server.conf"
        file.write_text(CONFIGURATION.format(directory=directory), encoding="utf-8")
        server = await asyncio.create_subprocess_exec(
            *("nats-server", "-c", str(file), "-l", str(directory / "log"))
        )
        try:
            while (port := port_in(directory)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            relay = Relay(port)
            listening = await asyncio.start_server(relay.handle, "127.0.0.1", 0)
            print(listening.sockets[0].getsockname()[1], flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
            print(*relay.seen, sep="\n")
        finally:
            server.terminate()
            await server.wait()


if __name__ == "__main__":
    asyncio.run(main())
