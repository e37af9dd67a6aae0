"""Ways from the client to the server: straight, with TLS, through a proxy, and both.

Each relay passes on the end of a stream and a reset as what they are, also out of TLS: either
direction can end alone. So the server does not notice which road a connection came by.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import trustme
from rawserver import RawConnection

# The segment size of Ethernet: with the loopback's 64 KiB, a narrow socket moves only a few KiB
# in 200 ms.
SEGMENT_BYTES: Final = 1448

# All clients may connect at once.
BACKLOG: Final = 1024

READ_BYTES: Final = 65_536

# The opening of a road takes far less; a client that gives up closes its connection.
OPENING_SECONDS: Final = 60.0

# Most connections go straight: that is the fastest, and what the other roads are compared with.
_SCHEMES: Final = (*["ws"] * 5, "wss", "wss")
_PROXIES: Final = (*[None] * 5, "http", "socks5")

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Roads:
    """Where the server and its relays listen.

    Attributes:
        ports: the port of each, under ws, wss, http or socks5.
        authority: the certificate of the authority that the relay for TLS is trusted by, in PEM.
    """

    ports: Mapping[str, int]
    authority: str

    def choose(self, choose: random.Random) -> tuple[str, dict[str, Any]]:
        """Choose a road. Return the start of the URL, and the options for `connect`."""
        scheme, proxy = choose.choice(_SCHEMES), choose.choice(_PROXIES)
        options: dict[str, Any] = {}
        if scheme == "wss":
            options["ssl"] = choose.choice(self._contexts)
        if proxy is not None:
            options["proxy"] = f"{proxy}://127.0.0.1:{self.ports[proxy]}"
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}", options

    @cached_property
    def _contexts(self) -> tuple[ssl.SSLContext, ...]:
        contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), _OwnContext(ssl.PROTOCOL_TLS_CLIENT)
        for context in contexts:
            context.load_verify_locations(cadata=self.authority)
        return contexts


class _OwnContext(ssl.SSLContext):
    """A subclass, which may override anything: the client uses the event loop's TLS."""


def name_of(options: Mapping[str, Any]) -> str:
    """Name the road that the options for `connect` lead along."""
    scheme = "wss" if "ssl" in options else "ws"
    return f"{scheme} by {options['proxy'].partition(':')[0]}" if "proxy" in options else scheme


# -- the server's part ---------------------------------------------------------------------

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]


async def build(serve: Handler) -> tuple[list[asyncio.Server], Roads]:
    """Start a server that calls `serve` for each connection, and the relays in front of it."""
    server, port = await _listen(serve)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    openings: dict[str, Callable[[RawConnection], Awaitable[_Ends]]] = {
        "wss": lambda client: _end_tls(client, context, port),
        "http": _connect_by_http,
        "socks5": _connect_by_socks,
    }
    servers, ports = [server], {"ws": port}
    for name, opening in openings.items():
        relay, ports[name] = await _listen(_Relay(opening))
        servers.append(relay)
    return servers, Roads(ports, authority.cert_pem.bytes().decode())


async def _listen(handler: Handler) -> tuple[asyncio.Server, int]:
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    port: int = bound.getsockname()[1]
    return await asyncio.start_server(handler, sock=bound, backlog=BACKLOG), port


class _End:
    """One end of a relay: a TCP connection."""

    def __init__(self, connection: RawConnection) -> None:
        self.connection = connection

    async def read(self) -> bytes:
        """Read what there is; nothing at the end of the stream."""
        return await self.connection.reader.read(READ_BYTES)

    async def write(self, data: bytes) -> None:
        """Write, and wait for room."""
        await self.connection.write(data)

    async def write_end(self) -> None:
        """End the stream in this direction only."""
        self.connection.writer.write_eof()


class _TLSEnd(_End):
    """The server's end of TLS. asyncio's own cannot end one direction alone."""

    def __init__(self, connection: RawConnection, context: ssl.SSLContext) -> None:
        super().__init__(connection)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def shake_hands(self) -> None:
        """Do the server's part of the TLS handshake."""
        await self._repeat(self._tls.do_handshake)

    async def read(self) -> bytes:
        with contextlib.suppress(ssl.SSLZeroReturnError):
            return await self._repeat(lambda: self._tls.read(READ_BYTES))
        return b""

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def write_end(self) -> None:
        # Only the client's part is still to come.
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        await self._flush()
        await super().write_end()

    async def _repeat(self, step: Callable[[], _Result]) -> _Result:
        """Take a step of TLS again, with more data, until it has enough."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await super().read()
                if not data:
                    raise ConnectionError("TCP ended before TLS") from None
                self._incoming.write(data)
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        # After the end of the stream there is nothing, and nothing may be written.
        if data := self._outgoing.read():
            await self.connection.write(data)


_Ends = tuple[_End, _End]


class _Relay:
    """Passes on all that comes, both ways, once a road is open."""

    def __init__(self, opening: Callable[[RawConnection], Awaitable[_Ends]]) -> None:
        self._opening = opening
        # The event loop holds tasks weakly, and transports only while they read or write.
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection of a client."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = RawConnection(reader, writer)
        connections = [client]
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                ends = await self._opening(client)
            connections.append(ends[1].connection)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(*ends))
                group.create_task(_pass_on(*reversed(ends)))
        except* (OSError, asyncio.IncompleteReadError):
            # Whoever is still there shall see a reset too.
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.reset()
        finally:
            for connection in connections:
                await connection.end(abort=False)


async def _pass_on(source: _End, target: _End) -> None:
    while data := await source.read():
        await target.write(data)
    await target.write_end()


async def _dial(port: int) -> _End:
    return _End(RawConnection(*await asyncio.open_connection("127.0.0.1", port)))


async def _end_tls(client: RawConnection, context: ssl.SSLContext, port: int) -> _Ends:
    end = _TLSEnd(client, context)
    await end.shake_hands()
    return end, await _dial(port)


async def _connect_by_http(client: RawConnection) -> _Ends:
    """Be an HTTP proxy: answer CONNECT (RFC 9110 section 9.3.6)."""
    head = await client.reader.readuntil(b"\r\n\r\n")
    target = await _dial(int(head.split()[1].rpartition(b":")[2]))
    await client.write(b"HTTP/1.1 200 OK\r\n\r\n")
    return _End(client), target


async def _connect_by_socks(client: RawConnection) -> _Ends:
    """Be a SOCKS5 proxy without a password (RFC 1928), for IPv4 addresses."""
    _, methods = await client.reader.readexactly(2)
    await client.reader.readexactly(methods)
    await client.write(b"\x05\x00")
    request = await client.reader.readexactly(10)
    target = await _dial(int.from_bytes(request[-2:], "big"))
    await client.write(b"\x05\x00\x00\x01" + bytes(6))
    return _End(client), target
