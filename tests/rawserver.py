"""A server that lets the test send any bytes, and see every byte that the client sends.

Does not use the codec under test: it parses frames with plain arithmetic.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
import ssl as ssl_module
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

HANDSHAKE_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

TEXT: Final = 0x1
BINARY: Final = 0x2
CONTINUATION: Final = 0x0
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

# How long the handlers may go on after the test's own part is over.
HANDLER_SECONDS: Final = 20.0

# The event loop accepts a connection within this many turns after it was made.
ACCEPTING_TURNS: Final = 10


@dataclass(frozen=True)
class ClientFrame:
    """One frame as the client sent it.

    Attributes:
        fin: the fin bit.
        reserved: the bits RSV1 (0x40), RSV2 (0x20), RSV3 (0x10).
        opcode: the opcode.
        key: the masking key; `None` if the frame is not masked, which a client must not do.
        payload: the payload, unmasked.
        length_bytes: how many bytes the length took beyond the first (0, 2, 8).
    """

    fin: bool
    reserved: int
    opcode: int
    key: bytes | None
    payload: bytes
    length_bytes: int


@dataclass(frozen=True)
class Upgrade:
    """The request of an opening handshake.

    Attributes:
        line: the request line.
        headers: values by name in lower case; for a repeated name, the last one.
    """

    line: str
    headers: dict[str, str]


def close_payload(code: int, reason: str = "") -> bytes:
    """Build the payload of a Close frame (RFC 6455 section 5.5.1)."""
    return struct.pack(">H", code) + reason.encode()


def accept_value(key: str) -> str:
    """Compute the value of Sec-WebSocket-Accept (RFC 6455 section 4.2.2)."""
    digest = hashlib.sha1(key.encode() + HANDSHAKE_GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def accept_response(upgrade: Upgrade, *headers: str) -> bytes:
    """Build the response that accepts `upgrade`, with header lines added."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_value(upgrade.headers['sec-websocket-key'])}",
        *headers,
        "\r\n",
    ]
    return "\r\n".join(lines).encode()


def parse_upgrade(head: bytes) -> Upgrade:
    """Parse the head of a request."""
    line, *rest = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = [header.partition(":") for header in rest]
    return Upgrade(line, {name.strip().lower(): value.strip() for name, _, value in pairs})


def linger_no_longer(own: socket.socket) -> None:
    """Make closing `own` send RST instead of FIN."""
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def unmask(payload: bytes, key: bytes) -> bytes:
    """XOR the payload with the repeated key, as one large number."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


class RawConnection:
    """One connection, seen from the server. Reads wait for as long as the test may run.

    Attributes:
        reader: the client's bytes.
        writer: where the server's bytes go.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read_upgrade(self) -> Upgrade:
        """Read the request of the opening handshake."""
        return parse_upgrade(await self.reader.readuntil(b"\r\n\r\n"))

    async def accept(self, *headers: str, trailing: bytes = b"") -> Upgrade:
        """Complete the opening handshake.

        Args:
            headers: header lines to add to the response.
            trailing: the first frames, sent in one write with the response.
        """
        upgrade = await self.read_upgrade()
        await self.write(accept_response(upgrade, *headers) + trailing)
        return upgrade

    async def write(self, data: bytes) -> None:
        """Write bytes; wait until the transport has room for more."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_frame(self) -> ClientFrame:
        """Read one frame of the client.

        Raises:
            asyncio.IncompleteReadError: the stream ended; `.partial` holds what was left.
        """
        first, second = await self.reader.readexactly(2)
        length = second & 0x7F
        length_bytes = {126: 2, 127: 8}.get(length, 0)
        if length_bytes:
            length = int.from_bytes(await self.reader.readexactly(length_bytes), "big")
        key = await self.reader.readexactly(4) if second & 0x80 else None
        masked = await self.reader.readexactly(length)
        return ClientFrame(
            fin=bool(first & 0x80),
            reserved=first & 0x70,
            opcode=first & 0x0F,
            key=key,
            payload=masked if key is None else unmask(masked, key),
            length_bytes=length_bytes,
        )

    async def expect_close(self) -> tuple[int, str]:
        """Read one frame, which must be a Close frame with a code; return code and reason."""
        frame = await self.read_frame()
        assert frame.opcode == CLOSE, f"a Close frame was expected, not {frame}"
        return int.from_bytes(frame.payload[:2], "big"), frame.payload[2:].decode()

    async def close_politely(self, code: int = 1000) -> None:
        """Close from the server's side: send Close, read the echo, end the stream."""
        await self.write(b"\x88\x02" + close_payload(code))
        assert await self.expect_close() == (code, "")

    async def read_rest(self) -> bytes:
        """Read until the client ends the stream; a reset counts as its end."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(65536):
                received += data
        return received

    def reset(self) -> None:
        """Send RST instead of FIN, and drop what has not been sent."""
        own = self.writer.get_extra_info("socket")
        with socket.fromfd(own.fileno(), own.family, own.type) as same:
            linger_no_longer(same)
        self.writer.transport.abort()

    async def end(self, *, abort: bool) -> None:
        """Release the socket."""
        if abort:
            self.writer.transport.abort()
        self.writer.close()
        # How the client ended the connection is for the test to check, not for this method.
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


Handler = Callable[[RawConnection], Awaitable[None]]


class _Handlers:
    """The tasks of one raw server, one for each connection. Keeps the first failure."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = 0
        self._changed = asyncio.Condition()
        self.failure: BaseException | None = None

    def start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = RawConnection(reader, writer)
        self._tasks.append(asyncio.create_task(self._run(connection)))

    async def _run(self, connection: RawConnection) -> None:
        failed = True
        try:
            await self._handler(connection)
            failed = False
        except Exception as exc:
            self.failure = self.failure or exc
        finally:
            await connection.end(abort=failed)
            async with self._changed:
                self._ended += 1
                self._changed.notify_all()

    async def wait(self, count: int) -> None:
        """Wait until at least `count` connections and all tasks have ended, or one has failed."""
        async with asyncio.timeout(HANDLER_SECONDS), self._changed:
            await self._changed.wait_for(
                lambda: (
                    self.failure is not None
                    or (self._ended >= count and self._ended == len(self._tasks))
                )
            )

    async def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def authority(listening: socket.socket) -> str:
    """Return host and port as they appear in a URL."""
    if listening.family not in {socket.AF_INET, socket.AF_INET6}:
        return "localhost"
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if listening.family == socket.AF_INET6 else f"{host}:{port}"


@contextlib.asynccontextmanager
async def raw_server(
    handler: Handler,
    *,
    ssl: ssl_module.SSLContext | None = None,
    connections: int = 1,
    limit: int = 65536,
    sock: socket.socket | None = None,
) -> AsyncIterator[str]:
    """Start a server that runs `handler` for each connection, and yield its URL.

    The block ends only when the handlers have ended. It raises what a handler raised: that is the
    cause, and the client's error is only a consequence.

    Args:
        handler: the server's part of the test.
        ssl: serve TLS.
        connections: how many connections must have been handled when the block ends.
        limit: reading stops when twice this many bytes wait for the handler to read them.
        sock: a bound socket of any family; the URL of a unix socket has the host localhost.
    """
    handlers = _Handlers(handler)
    bound = socket.create_server(("127.0.0.1", 0)) if sock is None else sock
    server = await asyncio.start_server(handlers.start, sock=bound, ssl=ssl, limit=limit)
    try:
        yield f"{'ws' if ssl is None else 'wss'}://{authority(bound)}/"
        await handlers.wait(connections)
    except BaseException as exc:
        if handlers.failure is None:
            raise
        raise handlers.failure from exc
    else:
        if handlers.failure is not None:
            raise handlers.failure
    finally:
        # When a server closes, asyncio loses the socket of a connection that it is just accepting.
        for _ in range(ACCEPTING_TURNS):
            await asyncio.sleep(0)
        server.close()
        await handlers.cancel()
        await server.wait_closed()
