"""Reading and writing a non-blocking socket: sizes, not ready, end of stream, errors."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from twins.driving import Codec

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def test_reads_into_the_memory(codec: Codec, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"hello")
    memory = bytearray(b"........")
    assert codec.receive_into(ours, ours.fileno(), memoryview(memory)[1:4]) == 3
    assert memory == b".hel...."
    assert codec.receive_into(ours, ours.fileno(), memory) == 2
    assert memory == b"loel...."


def test_nothing_to_read_yet(codec: Codec, pair: Pair) -> None:
    ours, _ = pair
    assert codec.receive_into(ours, ours.fileno(), bytearray(8)) == -1


def test_the_end_of_the_stream(codec: Codec, pair: Pair) -> None:
    ours, theirs = pair
    theirs.shutdown(socket.SHUT_WR)
    assert codec.receive_into(ours, ours.fileno(), bytearray(8)) == 0


@pytest.mark.parametrize("data", [b"hello", memoryview(b"hello"), memoryview(b"hello")[1:]])
def test_sends(codec: Codec, pair: Pair, data: bytes | memoryview) -> None:
    ours, theirs = pair
    assert codec.send_some(ours, ours.fileno(), data) == len(data)
    assert theirs.recv(100) == data


def test_a_socket_that_takes_no_more(codec: Codec, pair: Pair) -> None:
    ours, theirs = pair
    block = bytes(range(256)) * 4096
    sent = 0
    while (size := codec.send_some(ours, ours.fileno(), memoryview(block)[sent:])) > 0:
        sent += size
    assert size == -1
    received = b""
    while len(received) < sent:
        received += theirs.recv(65536)
    assert received == block[:sent]


def test_errors_are_what_python_makes_of_them(codec: Codec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    with ours:
        # Closing the socket now sends a reset.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        with pytest.raises(ConnectionResetError):
            codec.receive_into(ours, ours.fileno(), bytearray(8))
        ours.setblocking(False)
        with pytest.raises(BrokenPipeError):
            codec.send_some(ours, ours.fileno(), b"hello")


def test_memory_that_cannot_be_written(codec: Codec, pair: Pair) -> None:
    ours, _ = pair
    with pytest.raises((TypeError, BufferError)):
        codec.receive_into(ours, ours.fileno(), b"read only")
