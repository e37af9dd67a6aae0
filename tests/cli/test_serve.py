"""`wirespeed serve` in a separate process, with real clients, and with hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import commandline
import pytest
from commandline import Outcome

import wirespeed

# The command has an event loop, so one here is enough.
pytestmark = pytest.mark.loops("asyncio")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@dataclass
class Served:
    """A server, and what it said once it has ended."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> Outcome:
        """Press Ctrl-C, and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(commandline.SECONDS)
        return commandline.ended(self.process)

    def remark(self) -> str:
        """Wait for the next line on standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().decode()

    def request(self, *headers: str) -> socket.socket:
        """Connect, and send the request of an opening handshake."""
        own = self.connect()
        lines = ["GET / HTTP/1.1", "Host: h", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *headers, "\r\n"]
        own.sendall("\r\n".join(lines).encode())
        return own

    def connect(self) -> socket.socket:
        address = urlsplit(self.url)
        assert address.hostname is not None
        assert address.port is not None
        return socket.create_connection((address.hostname, address.port), commandline.SECONDS)


def status_of(own: socket.socket) -> int:
    """Read the head of a response; return its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += own.recv(1) or pytest.fail(f"the stream ended after {data!r}")
    return int(data.split()[1])


def rest_of(own: socket.socket) -> bytes:
    """Read to the end of the stream; a reset counts as that."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := own.recv(65536):
            data += more
    return data


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[Served]:
    with commandline.started("serve", *arguments) as process:
        assert process.stdout is not None
        yield Served(process.stdout.readline().decode().strip(), process)


async def test_echo() -> None:
    with served("echo") as server:
        async with wirespeed.connect(server.url, subprotocols=["a", "b"]) as ws:
            assert ws.subprotocol == "a"
            await ws.send("hi ä")
            await ws.send(b"\x00")
            assert await ws.receive_text() == "hi ä"
            assert await ws.receive_bytes() == b"\x00"
        ended = server.stop()
    assert (ended.status, ended.out) == (130, "")
    assert ended.err.splitlines() == ["connection 1: /", "connection 1: over"]


async def test_chat() -> None:
    with served("chat") as server:
        connect = wirespeed.connect
        async with connect(server.url) as one, connect(server.url) as two:
            async with connect(server.url) as three:
                # All three are members once the server has said so.
                assert [server.remark() for _ in range(3)] == [
                    f"connection {number}: /\n" for number in (1, 2, 3)
                ]
                await one.send("from one")
                assert await two.receive_text() == "from one"
                assert await three.receive_text() == "from one"
                await three.send(b"from three")
                assert await one.receive_bytes() == b"from three"
                assert await two.receive_bytes() == b"from three"
            await two.send("from two")
            assert await one.receive_text() == "from two"


async def test_a_feed_of_some_messages() -> None:
    with served("feed", "--rate", "inf", "--count", "3") as server:
        for _ in range(2):
            async with wirespeed.connect(server.url) as ws:
                ticks = [json.loads(message) async for message in ws]
            assert [tick["n"] for tick in ticks] == [0, 1, 2]
            assert set(ticks[0]) == {"s", "p", "q", "t", "n"}
            assert ws.close_code == 1000


async def test_a_feed_at_a_rate() -> None:
    with served("feed", "--rate", "100") as server:
        async with wirespeed.connect(server.url) as ws:
            # It takes no notice of messages, and notices Pings and the end.
            await ws.send_many(["x"] * 5000)
            assert await (await ws.ping()) >= 0
            numbers = [json.loads(await ws.receive_text())["n"] for _ in range(5)]
        assert numbers == [0, 1, 2, 3, 4]
        assert [server.remark(), server.remark()] == ["connection 1: /\n", "connection 1: over\n"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 101),
        ("http://127.0.0.1", 101),
        ("http://[::1]:80", 101),
        ("https://elsewhere.example", 403),
        ("http://localhost.elsewhere.example", 403),
        ("http://[", 403),
        ("null", 403),
    ],
)
def test_pages_of_other_sites_are_refused(origin: str, status: int) -> None:
    with served("echo") as server, server.request(f"Origin: {origin}") as own:
        assert status_of(own) == status


def masked(first: int, payload: bytes) -> bytes:
    """Build a frame of a client; the masking key is 0."""
    return bytes([first, 0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


ATTACKS: dict[str, Callable[[socket.socket], object]] = {
    "reserved bits": lambda own: own.sendall(b"\xf1\x80" + bytes(4)),
    "no mask": lambda own: own.sendall(b"\x81\x01x"),
    "bad UTF-8": lambda own: own.sendall(masked(0x81, b"\xff")),
    "a large message": lambda own: own.sendall(
        b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(4)
    ),
    "Pongs": lambda own: own.sendall(b"\x8a\x80" + bytes(4) + b"\xf1"),
    "half a frame": lambda own: own.sendall(b"\x81"),
}


@pytest.mark.parametrize("mode", ["echo", "chat", "feed"])
def test_a_client_that_breaks_the_protocol_ends_only_itself(mode: str) -> None:
    with served(mode) as server:
        for attack in ATTACKS.values():
            with server.request() as own:
                assert status_of(own) == 101
                attack(own)
                own.shutdown(socket.SHUT_WR)
                rest_of(own)
        with server.connect() as own:
            own.sendall(b"\x16\x03\x01\x00" + bytes(100))
            assert rest_of(own) == b""
        with server.request() as own:
            assert status_of(own) == 101
        ended = server.stop()
    assert ended.status == 130
    assert "Traceback" not in ended.err


def test_too_many_clients() -> None:
    with served("echo") as server, contextlib.ExitStack() as stack:
        for _ in range(100):
            assert status_of(stack.enter_context(server.request())) == 101
        with server.connect() as own:
            assert status_of(own) == 503


async def test_a_client_of_a_chat_that_does_not_read() -> None:
    with served("chat") as server, server.request() as silent:
        assert await asyncio.to_thread(status_of, silent) == 101
        async with wirespeed.connect(server.url) as ws:
            # Until both are members, a message reaches nobody.
            assert [server.remark(), server.remark()] == ["connection 1: /\n", "connection 2: /\n"]
            # More than the sockets between them can hold as well.
            for _ in range(64):
                await ws.send(bytes(1 << 20))
            # The server has given the silent one up, and has read all of it.
            assert "connection 1: " in await asyncio.to_thread(server.remark)
            assert await (await ws.ping()) >= 0


def test_a_message_that_is_too_large() -> None:
    with served("echo") as server, server.request() as own:
        assert status_of(own) == 101
        own.sendall(b"\x82\xff" + ((1 << 20) + 1).to_bytes(8, "big") + bytes(4))
        assert rest_of(own) == b"\x88\x02" + (1009).to_bytes(2, "big")


def test_a_port_that_is_taken() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        port = bound.getsockname()[1]
        outcome = commandline.run("serve", "echo", "--port", str(port))
    text = f"wirespeed: cannot listen on port {port}: Address already in use\n"
    assert outcome == Outcome(1, "", text)
