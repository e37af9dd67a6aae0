"""The server's roles on a connection: it floods, discards, answers, or sends a paced feed.

Does not open connections. Everything that can be is made ahead. Requests are parsed; a client's
messages are only counted by their length, except for the first one that `sink` receives.
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
# The time from a request until the first message is due; by then the client waits for it.
_LEAD_NANOSECONDS: Final = 2_000_000
# A feed that has fallen behind catches up in steps of this many messages.
_MAX_DUE: Final = 2_000


class Closed(Exception):
    """The client has closed the connection."""


class Reader:
    """Reads a client's frames, whose lengths are known."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._memory = bytearray(READ_BYTES)
        self._view = memoryview(self._memory)
        self._rest = b""
        self._wakes_at = 1
        self._poll: Any = None
        # Not with TLS: more bytes arrive than are counted, and OpenSSL keeps some of them.
        if hasattr(select, "poll") and not isinstance(sock, ssl.SSLSocket):
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def request(self) -> int:
        """Read a request; return the number in it."""
        data = self._exactly(payloads.client_frame_bytes(payloads.REQUEST_DIGITS))
        return int(unmasked(data))

    def message(self, size: int) -> str | bytes:
        """Read one message with a payload of `size` bytes."""
        return unmasked(self._exactly(payloads.client_frame_bytes(size)))

    def skip(self, count: int) -> None:
        """Read `count` bytes, and discard them."""
        count -= len(self._rest)
        self._rest = b""
        while count > 0:
            if self._poll is not None:
                self._wake_at(min(count, _GATHERED_BYTES))
                # Do not wait in `recv`: it would take the bytes, and then wait for as many again.
                self._poll.poll()
            count -= self._some(min(count, READ_BYTES))
        if self._poll is not None:
            self._wake_at(1)

    def available(self, *, starts_frame: bool) -> int:
        """Wait for bytes, and discard them; return their number, at least 1.

        Args:
            starts_frame: whether the first byte is the first one of a frame.
        """
        size = self._some(READ_BYTES)
        if starts_frame and self._memory[0] & OPCODE_BITS == OPCODE_CLOSE:
            raise Closed
        return size

    def _wake_at(self, count: int) -> None:
        """Have the system wake this reader only when `count` bytes have arrived.

        If a reader wakes for each message, every send pays for waking it: up to three times the
        cost of the send itself. A sender over a network does not pay for that.
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
    """Parse exactly one message."""
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
    """Flood like `flood`, with compressed messages; requests may be compressed as well."""
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
    """Discard as many messages as each request announces, then send an acknowledgement."""
    reader = Reader(sock)
    # It has the type of the client's messages, and is JSON: some clients wait for one type only.
    acknowledgement = payloads.server_frame(work, b"true")
    wanted = payloads.message(work)
    # The first request announces one message, which is checked.
    for _ in range(reader.request()):
        if reader.message(work.size) != wanted:
            raise Closed
    sock.sendall(acknowledgement)
    frame_bytes = payloads.client_frame_bytes(work.size)
    while True:
        reader.skip(reader.request() * frame_bytes)
        sock.sendall(acknowledgement)


def answer(sock: socket.socket, work: Work) -> None:
    """Answer each message with a message of the same size."""
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

    Latency is counted from the time at which a message is due. So if a client makes the feed wait,
    that wait is part of its latencies. The time of sending shows how punctual the server is.
    """
    reader = Reader(sock)
    period = 1_000_000_000 // work.rate
    now = time.monotonic_ns
    while True:
        left = reader.request()
        due = now() + _LEAD_NANOSECONDS
        while left:
            # A busy loop: a sleep would last as long as several messages of a fast feed.
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
    """Serve the work until the client closes; a socket error only ends the connection."""
    with sock, contextlib.suppress(OSError):
        try:
            handler = compressed_flood if work.compressed else HANDLERS[work.kind]
            handler(sock, work)
        except Closed:
            sock.sendall(CLOSE_FRAME)
