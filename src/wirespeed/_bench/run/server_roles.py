"""What the serving side does on a connection: floods, swallows, answers, and paced feeds.

Must not know how connections come about, nor which client is at the other end. Everything that can
be is made ahead; the frames of a client are counted by their length, not parsed.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final
from zlib import MAX_WBITS

from ..._base.rfc6455 import OPCODE_BITS, OPCODE_CLOSE, CloseCode, frame_header
from ..._codec import backend
from ..._codec.inflate import Inflater
from .. import payloads
from ..works import PIPELINE_DEPTH, Work

READ_BYTES: Final = 1024 * 1024
_GATHERED_BYTES: Final = 16 * 1024
CLOSE_FRAME: Final = frame_header(OPCODE_CLOSE, 2) + int(CloseCode.NORMAL_CLOSURE).to_bytes(
    2, "big"
)
# Before the first message of a feed is due: the client is waiting for it by then.
_LEAD_NANOSECONDS: Final = 2_000_000
# A feed that has fallen behind catches up in steps of this many messages.
_MAX_DUE: Final = 2_000


class Closed(Exception):
    """The client has closed the connection."""


class Reader:
    """What a client sends, frame by frame, each of a known length."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._memory = bytearray(READ_BYTES)
        self._view = memoryview(self._memory)
        self._rest = b""
        self._wakes_at = 1
        self._poll: Any = None
        # With TLS more bytes arrive than are counted, and OpenSSL keeps some of them.
        if hasattr(select, "poll") and not isinstance(sock, ssl.SSLSocket):
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def request(self) -> int:
        """Read a request; return the number it holds."""
        data = self._exactly(payloads.client_frame_bytes(payloads.REQUEST_DIGITS))
        return int(unmasked(data))

    def message(self, size: int) -> str | bytes:
        """Read one message whose payload has `size` bytes."""
        return unmasked(self._exactly(payloads.client_frame_bytes(size)))

    def skip(self, count: int) -> None:
        """Read `count` bytes and forget them."""
        count -= len(self._rest)
        self._rest = b""
        while count > 0:
            if self._poll is not None:
                self._wake_at(min(count, _GATHERED_BYTES))
                # Not in `recv`: it would take what is there, and then wait for as much again.
                self._poll.poll()
            count -= self._some(min(count, READ_BYTES))
        if self._poll is not None:
            self._wake_at(1)

    def available(self, *, starts_frame: bool) -> int:
        """Read what has arrived, at least one byte, and forget it; return how many bytes.

        Args:
            starts_frame: whether the first of them is the first of a frame.
        """
        size = self._some(READ_BYTES)
        if starts_frame and self._memory[0] & OPCODE_BITS == OPCODE_CLOSE:
            raise Closed
        return size

    def _wake_at(self, count: int) -> None:
        """Let the system sleep until so many bytes are there.

        A reader that wakes for each message makes every send pay for waking it, up to three times
        what the send itself costs; nobody who sends over a network pays that.
        """
        if count != self._wakes_at:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
            self._wakes_at = count

    def _exactly(self, count: int) -> bytes:
        data = self._rest
        while len(data) < count:
            data += bytes(self._view[: self._some(READ_BYTES)])
            if data[0] & OPCODE_BITS == OPCODE_CLOSE:
                raise Closed
        self._rest = data[count:]
        return data[:count]

    def _some(self, limit: int) -> int:
        size = self._socket.recv_into(self._view, limit)
        if not size:
            raise Closed
        return size


def unmasked(frames: bytes) -> str | bytes:
    """Parse what must be exactly one message."""
    messages: list[str | bytes] = []
    backend.MessageParser(masked=True, max_message_size=None).feed(frames, messages)
    (message,) = messages
    return message


def flood(sock: socket.socket, work: Work) -> None:
    """Send as many messages as each request asks for, in large writes."""
    reader = Reader(sock)
    frames, in_block = payloads.block(work)
    view = memoryview(frames)
    frame_bytes = len(frames) // in_block
    while True:
        blocks, rest = divmod(reader.request(), in_block)
        for _ in range(blocks):
            sock.sendall(frames)
        sock.sendall(view[: rest * frame_bytes])


def compressed_flood(sock: socket.socket, work: Work) -> None:
    """Do what `flood` does with compressed messages; requests may be compressed as well."""
    parser = backend.MessageParser(masked=True)
    parser.accept_compressed(Inflater(MAX_WBITS, keeps_context=True))
    frames, ends = payloads.compressed_block(work)
    view = memoryview(frames)
    while True:
        requests: list[str | bytes] = []
        while not requests:
            data = sock.recv(READ_BYTES)
            parser.feed(data, requests)
            if not data or parser.close is not None:
                raise Closed
        blocks, rest = divmod(int(requests[0]), len(ends))
        for _ in range(blocks):
            sock.sendall(frames)
        sock.sendall(view[: ends[rest - 1] if rest else 0])


def sink(sock: socket.socket, work: Work) -> None:
    """Swallow as many messages as each request announces, then say so."""
    reader = Reader(sock)
    # Of the kind that the client sends, and JSON: some clients can wait for one kind only.
    acknowledgement = payloads.server_frame(work, b"true")
    wanted = payloads.message(work)
    # The first request is for one message, which shows that the client sends the right thing.
    for _ in range(reader.request()):
        if reader.message(work.size) != wanted:
            raise Closed
    sock.sendall(acknowledgement)
    frame_bytes = payloads.client_frame_bytes(work.size)
    while True:
        reader.skip(reader.request() * frame_bytes)
        sock.sendall(acknowledgement)


def answer(sock: socket.socket, work: Work) -> None:
    """Answer each message with one of the same size."""
    reader = Reader(sock)
    answer_frame = payloads.server_frame(work, payloads.payload(work))
    answers = memoryview(answer_frame * PIPELINE_DEPTH)
    frame_bytes = payloads.client_frame_bytes(work.size)
    waiting = 0
    while True:
        waiting += reader.available(starts_frame=not waiting)
        whole, waiting = divmod(waiting, frame_bytes)
        sock.sendall(answers[: whole * len(answer_frame)])


def feed(sock: socket.socket, work: Work) -> None:
    """Send as many messages as each request asks for, each when it is due.

    Latency counts from the time at which a message was due: so a client that makes the feed wait
    finds that wait in its latencies. The time of sending shows how punctual the server was.
    """
    reader = Reader(sock)
    period = 1_000_000_000 // work.rate
    now = time.monotonic_ns
    while True:
        left = reader.request()
        due = now() + _LEAD_NANOSECONDS
        while left:
            # Spins: a sleep is as long as several messages of a fast feed.
            time_now = now()
            count = min((time_now - due) // period + 1, left, _MAX_DUE)
            if count > 0:
                times = range(due, due + count * period, period)
                sock.sendall(payloads.stamped_frames(work.size, times, time_now))
                due += count * period
                left -= count


HANDLERS: Final[dict[str, Callable[[socket.socket, Work], None]]] = {
    "receive": flood,
    "send": sink,
    "echo": answer,
    "pipeline": answer,
    "paced": feed,
}


def serve(sock: socket.socket, work: Work) -> None:
    """Do the work until the client closes; whatever else it does only ends the connection."""
    with sock, contextlib.suppress(OSError):
        try:
            handler = compressed_flood if work.compressed else HANDLERS[work.kind]
            handler(sock, work)
        except Closed:
            sock.sendall(CLOSE_FRAME)
