"""A peer in a thread that takes part in an opening up to one step, and then does something.

It knows each way to a server: directly, over a Unix socket, and through each kind of proxy, plain
and with TLS. As it blocks in its thread, it acts at any time, whatever the event loop does.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import ssl
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeAlias

import pytest
from ends import turns
from rawserver import accept_response, linger_no_longer, parse_upgrade
from servers import websockets_server

import wirespeed

# What stops a test whose opening never gets to the peer, or never leaves it.
PATIENCE_SECONDS: Final = 20.0

DIRECT_WAYS: Final = ("ip", "name", "unix", "sock")
PROXIED_WAYS: Final = ("http", "https", "socks4", "socks5h")
WAYS: Final = DIRECT_WAYS + PROXIED_WAYS

# How many files are opened while an opening fails, one in each turn of the event loop.
FILES: Final = 100

REFUSAL: Final = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate"
CONNECTED: Final = b"HTTP/1.1 200 OK\r\n\r\n"
# Longer than what may follow half a ServerHello, so that its end is seen.
GARBAGE: Final = b"\x00\xff\r\n\r\n" * 2000
GLUED: Final = b"\x81\x02hi"

# The steps of an opening, each named after its phase. The peer has read what the step names, or
# has sent that part of its answer.
_TLS_STEPS: Final = ("hello", "half a hello", "encrypted")
_HTTP_STEPS: Final = ("asked", "half an answer", "half a refusal")
_PROXY_STEPS: Final = {
    "http": (*_HTTP_STEPS, "open"),
    "https": (*_TLS_STEPS, *_HTTP_STEPS, "open"),
    "socks4": ("asked", "half an answer", "open"),
    "socks5h": ("greeted", "half a greeting", "asked", "half an answer", "open"),
}


def steps(way: str, scheme: str) -> list[str]:
    """Return the steps of an opening, in their order."""
    tls = _TLS_STEPS if scheme == "wss" else ()
    phases = {"proxy": _PROXY_STEPS.get(way, ()), "tls": tls, "upgrade": _HTTP_STEPS}
    return [f"{phase}: {step}" for phase, steps in phases.items() for step in steps]


class Stream(Protocol):
    """One side of a connection; its calls block."""

    def read(self) -> bytes:
        """Return what has arrived, `b""` at the end."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""


class Plain:
    """The bytes of a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self) -> bytes:
        return self._sock.recv(65536)

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)


class Encrypted:
    """The server's side of TLS in another stream."""

    def __init__(self, below: Stream, context: ssl.SSLContext) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def hello(self) -> bytes:
        """Read the ClientHello, and return the answer to send."""
        while not self._outgoing.pending:
            self._incoming.write(self._below.read())
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
        return self._outgoing.read()

    def finish(self) -> None:
        """Finish the handshake."""
        self._until_read(self._tls.do_handshake)
        self._send()

    def read(self) -> bytes:
        data: bytes = self._until_read(lambda: self._tls.read(65536))
        return data

    def write(self, data: bytes) -> None:
        self._tls.write(data)
        self._send()

    def _until_read(self, act: Callable[[], Any]) -> Any:
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self._send()
                data = self._below.read()
                if not data:
                    return b""
                self._incoming.write(data)

    def _send(self) -> None:
        self._below.write(self._outgoing.read())


# A step, the stream that the peer has then, and what it sends there if it stops there.
Point: TypeAlias = tuple[str, Stream, bytes]


@dataclass
class Peer:
    """Accepts one connection after the other.

    Attributes:
        listening: the socket that clients connect to.
        way: how they come.
        scheme: of the server's URL, ws or wss.
        context: for TLS, of the proxy and of the server.
    """

    listening: socket.socket
    way: str
    scheme: str
    context: ssl.SSLContext

    def serve(self, step: str, act: str, reached: Callable[[], None], data: bytes = b"") -> None:
        """Take part in one opening.

        Args:
            step: where to stop; "accepted" stops before anything is read.
            act: what to do there. "silence" and "garbage" then wait for the client's end.
            reached: called at the step, before the act.
            data: what to send after the step's own part of an answer.

        Raises:
            TimeoutError: the client did not come, or did not go.
        """
        accepted, _ = self.listening.accept()
        accepted.settimeout(PATIENCE_SECONDS)
        if accepted.family == socket.AF_INET:
            # What is sent has arrived before the peer goes on.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with accepted:
            stream, answer = self._stop_at(step, Plain(accepted))
            with contextlib.suppress(ConnectionError):
                stream.write(answer + data)
                reached()
                if act == "garbage":
                    stream.write(GARBAGE)
                if act in {"garbage", "silence"}:
                    while accepted.recv(65536):
                        pass
            if act == "reset" and accepted.family == socket.AF_INET:
                linger_no_longer(accepted)

    def _stop_at(self, step: str, stream: Stream) -> tuple[Stream, bytes]:
        for name, inner, answer in self._points(stream):
            if name == step:
                return inner, answer
        raise AssertionError(f"there is no step {step!r} in this way")

    def _points(self, stream: Stream) -> Iterator[Point]:
        """Do the peer's part of an opening, with a stop at each step."""
        yield "accepted", stream, b""
        if self.way not in DIRECT_WAYS:
            stream = yield from self._proxy(stream)
        if self.scheme == "wss":
            stream = yield from self._tls("tls", stream)
        head = _read_head(stream)
        answer = accept_response(parse_upgrade(head))
        yield "upgrade: asked", stream, b""
        yield "upgrade: half an answer", stream, answer[: len(answer) // 2]
        yield "upgrade: half a refusal", stream, REFUSAL[:-2]
        yield "upgrade: refusal", stream, REFUSAL
        yield "upgrade: answer and message", stream, answer + GLUED

    def _proxy(self, stream: Stream) -> Generator[Point, None, Stream]:
        if self.way == "https":
            stream = yield from self._tls("proxy", stream)
        if self.way.startswith("http"):
            _read_head(stream)
            yield "proxy: asked", stream, b""
            yield "proxy: half a refusal", stream, REFUSAL[:-2]
            yield from self._answer("an answer", stream, CONNECTED)
        elif self.way == "socks4":
            stream.read()
            yield "proxy: asked", stream, b""
            yield from self._answer("an answer", stream, b"\x00\x5a" + bytes(6))
        else:
            stream.read()
            yield "proxy: greeted", stream, b""
            yield from self._answer("a greeting", stream, b"\x05\x00")
            stream.read()
            yield "proxy: asked", stream, b""
            yield from self._answer("an answer", stream, b"\x05\x00\x00\x01" + bytes(6))
        yield "proxy: open", stream, b""
        return stream

    def _answer(self, name: str, stream: Stream, data: bytes) -> Iterator[Point]:
        yield f"proxy: half {name}", stream, data[: len(data) // 2]
        stream.write(data)

    def _tls(self, phase: str, stream: Stream) -> Generator[Point, None, Stream]:
        inner = Encrypted(stream, self.context)
        hello = inner.hello()
        yield f"{phase}: hello", stream, b""
        yield f"{phase}: half a hello", stream, hello[: len(hello) // 2]
        stream.write(hello)
        inner.finish()
        yield f"{phase}: encrypted", inner, b""
        return inner


def _read_head(stream: Stream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = stream.read()
        assert data, "the client has gone before it asked"
        head += data
    return head


# -- the client's side -----------------------------------------------------------------------


@dataclass
class Client:
    """Opens connections to a peer.

    Attributes:
        url: the URL to connect to.
        options: of `connect`.
        address: where to connect a socket that is passed as `sock`; `None` for other ways.
    """

    url: str
    options: dict[str, Any]
    address: Any = None

    def opening(self, **more: Any) -> asyncio.Task[wirespeed.WebSocketConnection]:
        """Begin to open a connection."""
        options = {"open_timeout": PATIENCE_SECONDS, **self.options, **more}
        if self.address is not None:
            options["sock"] = socket.create_connection(self.address)

        async def connect() -> wirespeed.WebSocketConnection:
            return await wirespeed.connect(self.url, **options)

        return asyncio.create_task(connect())


@contextlib.contextmanager
def peer_and_client(
    way: str, scheme: str, directory: Path, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> Iterator[tuple[Peer, Client]]:
    """Yield a listening peer, and a client that comes to it in one way."""
    options: dict[str, Any] = {"ssl": client_ssl} if scheme == "wss" else {}
    host, address = "localhost", None
    if way == "unix":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(str(directory / "peer"))
        bound.listen(100)
        options["unix_path"] = directory / "peer"
    else:
        bound = socket.create_server(("127.0.0.1", 0), backlog=100)
        at = "{}:{}".format(*bound.getsockname())
        if way == "ip":
            host = at
        elif way == "name":
            host = at.replace("127.0.0.1", "localhost")
            options["family"] = socket.AF_INET
        elif way == "sock":
            address = bound.getsockname()
        else:
            # SOCKS4 would need a name server for any other name.
            host = "localhost" if way in {"socks4", "socks5"} else "server.example"
            # The certificate is for this name.
            options |= {"proxy": f"{way}://{at}", "server_hostname": "localhost"}
            if way == "https":
                options["proxy_ssl"] = client_ssl
    bound.settimeout(PATIENCE_SECONDS)
    with bound:
        client = Client(f"{scheme}://{host}/", options, address)
        yield Peer(bound, way, scheme, server_ssl), client


class Serving:
    """One run of a peer in its thread, which ends when the block ends.

    Attributes:
        reached: whether the peer has come to its step.
    """

    def __init__(self, peer: Peer, step: str, act: str, data: bytes = b"") -> None:
        self.reached = asyncio.Event()
        self._serve = functools.partial(peer.serve, step, act, self._reach, data)
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(asyncio.to_thread(self._serve))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._running

    def _reach(self) -> None:
        self._loop.call_soon_threadsafe(self.reached.set)


async def failure_of(
    opening: asyncio.Task[wirespeed.WebSocketConnection],
) -> tuple[BaseException | None, int]:
    """Open files until the opening has failed; return its error, and how many were closed."""
    files: list[int] = []
    while not opening.done() and len(files) < FILES:
        files.append(os.open(os.devnull, os.O_RDONLY))
        await asyncio.sleep(0)
    await asyncio.wait({opening})
    # What a failed opening leaves to the event loop is done then.
    await turns(5)
    closed = 0
    for descriptor in files:
        try:
            os.close(descriptor)
        except OSError:
            closed += 1
    return asyncio.CancelledError() if opening.cancelled() else opening.exception(), closed


class Deadlines:
    """The deadlines of the openings that have begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._all: list[asyncio.Timeout] = []
        self._timeout_at = asyncio.timeout_at
        monkeypatch.setattr(asyncio, "timeout_at", self._note)

    def _note(self, when: float | None) -> asyncio.Timeout:
        deadline = self._timeout_at(when)
        self._all.append(deadline)
        return deadline

    def expire(self) -> None:
        """Let the time of the last opening run out now."""
        self._all[-1].reschedule(asyncio.get_running_loop().time())


async def check_next_opening(
    scheme: str, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    """Open a good connection to a real server, and send a message there and back."""
    secure = scheme == "wss"
    async with (
        websockets_server(ssl=server_ssl if secure else None) as server,
        wirespeed.connect(server.url, ssl=client_ssl if secure else None) as connection,
    ):
        await connection.send_text("still here")
        assert await connection.receive_text() == "still here"
