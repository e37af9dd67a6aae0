"""The serving side of the benchmark: exactly as many messages as were requested, nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from wirespeed._bench import payloads
from wirespeed._bench.run.server_handshake import shake_hands
from wirespeed._bench.run.server_roles import serve
from wirespeed._bench.works import Work
from wirespeed._codec import backend

TEXT, BINARY, CLOSE = 1, 2, 8
SECONDS = 30.0


class Peer:
    """The client's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._builder = backend.FrameBuilder()
        self._parser = backend.MessageParser()
        self._messages: list[str | bytes] = []

    def send(self, opcode: int, *messages: str | bytes) -> None:
        """Send messages in one write."""
        self._socket.sendall(b"".join(self._builder.frame(opcode, data) for data in messages))

    def request(self, count: int) -> None:
        """Request messages, or announce them."""
        self.send(TEXT, f"{count:0{payloads.REQUEST_DIGITS}d}")

    def receive(self, count: int) -> list[str | bytes]:
        """Receive `count` messages, and check that no more arrived."""
        while len(self._messages) < count and (data := self._socket.recv(65536)):
            self._parser.feed(data, self._messages)
        messages, self._messages = self._messages, []
        assert len(messages) == count
        return messages

    def close(self) -> tuple[int, str] | None:
        """Close, and return the server's answer."""
        self.send(CLOSE, b"\x03\xe8")
        return self.end()

    def end(self) -> tuple[int, str] | None:
        """Return the server's Close frame; check that no messages come before it."""
        while data := self._socket.recv(65536):
            self._parser.feed(data, self._messages)
        assert self._messages == []
        return self._parser.close


@contextlib.contextmanager
def serving(work: Work) -> Iterator[Peer]:
    """Serve one connection in a thread."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(theirs, work))
    thread.start()
    with ours:
        ours.settimeout(SECONDS)
        yield Peer(ours)
    thread.join(SECONDS)
    assert not thread.is_alive()


@pytest.mark.parametrize("count", [1, 7, 20_000])
@pytest.mark.parametrize("payload", ["text", "binary"])
def test_a_flood_has_as_many_messages_as_were_asked_for(count: int, payload: str) -> None:
    work = Work("receive", 64, payload)  # type: ignore[arg-type]
    with serving(work) as peer:
        for _ in range(2):
            peer.request(count)
            messages = peer.receive(count)
            assert {len(message) for message in messages} == {64}
            assert {type(message) for message in messages} == {
                bytes if payload == "binary" else str
            }
        assert peer.close() == (1000, "")


@pytest.mark.parametrize("size", [16, 1024, 70_000])
def test_a_sink_answers_when_it_has_all(size: int) -> None:
    work = Work("send", size, "binary")
    data = payloads.message(work)
    with serving(work) as peer:
        peer.request(1)
        peer.send(BINARY, data)
        assert peer.receive(1) == [b"true"]
        peer.request(3)
        peer.send(BINARY, data, data)
        peer.send(BINARY, data)
        assert peer.receive(1) == [b"true"]
        assert peer.close() == (1000, "")


def test_a_sink_looks_at_the_first_message() -> None:
    with serving(Work("send", 4, "binary")) as peer:
        peer.request(1)
        peer.send(BINARY, b"nope")
        assert peer.end() == (1000, "")


@pytest.mark.parametrize("kind", ["echo", "pipeline"])
def test_each_request_has_one_answer(kind: str) -> None:
    work = Work(kind, 256)  # type: ignore[arg-type]
    text = payloads.message(work)
    with serving(work) as peer:
        for requests in (1, 32, 5):
            peer.send(TEXT, *[text] * requests)
            assert peer.receive(requests) == [text] * requests
        assert peer.close() == (1000, "")


def test_a_feed_is_on_time_or_late_but_never_early() -> None:
    with serving(Work("paced", 64, rate=100_000)) as peer:
        before = time.monotonic_ns()
        peer.request(500)
        messages = peer.receive(500)
        stamps = [payloads.stamps(str(message)) for message in messages]
        dues = [due for due, _ in stamps]
        assert dues == list(range(dues[0], dues[0] + 500 * 10_000, 10_000))
        assert dues[0] > before
        assert all(due <= sent <= time.monotonic_ns() for due, sent in stamps)
        assert peer.close() == (1000, "")


@pytest.mark.parametrize("kind", ["receive", "send", "echo", "paced"])
def test_a_client_that_is_gone_ends_the_connection(kind: str) -> None:
    with serving(Work(kind, 64, rate=1000)):  # type: ignore[arg-type]
        pass


def test_the_opening_handshake_gives_the_path() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(
            b"GET /%7B%7D HTTP/1.1\r\nHost: h\r\n"
            b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert shake_hands(theirs) == "/%7B%7D"
        # The example of RFC 6455 section 1.3.
        assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in ours.recv(1024)


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HT"])
def test_anything_else_is_an_error(head: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(head)
        with pytest.raises(ConnectionError):
            shake_hands(theirs)
