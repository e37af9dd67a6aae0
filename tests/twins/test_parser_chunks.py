"""Messages received in chunks: what the chunks add up to, where they are cut, how they end."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
import reference
from deflating import deflate
from hypothesis import given, settings, strategies as st
from twins.driving import Codec
from twins.streams import random_stream

from wirespeed._base.rfc6455 import Binary
from wirespeed._codec import contract
from wirespeed._codec.inflate import Inflater
from wirespeed.exceptions import ProtocolError

KIB = 1024
MIB = 1024 * KIB
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9
TEXT_PAYLOAD = "aé中😀z".encode()


class Reader:
    """Feeds a parser, and asks for chunks where the test wants them.

    Attributes:
        given: what the parser returned, in order: a `list` of chunks, or a whole message.
        is_over: whether the last message in chunks has ended.
        error: the error, in the form of `reference.Outcome`.
    """

    def __init__(self, parser: contract.MessageParser) -> None:
        self.parser = parser
        self.given: list[Any] = []
        self.error: tuple[str, int, str] | None = None
        self._chunks: list[Any] = []

    def stream(self) -> None:
        """Ask for the current message, or the next one, in chunks."""
        if self.parser.chunks is None:
            self._chunks = []
            self.given.append(self._chunks)
            self.parser.stream(self._chunks)

    def feed(self, data: bytes) -> None:
        """Feed one read to the parser."""
        while data and self.error is None:
            memory = self.parser.get_buffer()
            messages: list[Any] = []
            size = len(data) if memory is None else min(len(data), len(memory))
            try:
                if memory is None:
                    self.parser.feed(data, messages)
                else:
                    memory[:size] = data[:size]
                    self.parser.buffer_updated(size, messages)
            except ProtocolError as fault:
                outcome = reference.Outcome()
                outcome.fail(fault)
                self.error = outcome.error
            self.given += messages
            data = data[size:]

    def messages(self) -> list[Any]:
        """Return the messages, with chunks joined. The last message may lack its end."""
        whole = []
        for given_ in self.given:
            if isinstance(given_, list):
                if given_:
                    whole.append(given_[0][:0].join(given_))
            else:
                whole.append(given_)
        return whole


def ended(chunks: list[Any]) -> bool:
    """Check that only the last chunk is empty; return whether the message has ended."""
    assert all(len(chunk) for chunk in chunks[:-1])
    return bool(chunks) and not len(chunks[-1])


def in_reads(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut `data` into reads of these sizes, repeated in turn."""
    reads = []
    turn = 0
    while data:
        size = sizes[turn % len(sizes)]
        reads.append(data[:size])
        data = data[size:]
        turn += 1
    return reads


def make(codec: Codec, **options: Any) -> Reader:
    return Reader(codec.MessageParser(**options))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_cut_of_one_frame(codec: Codec, opcode: int) -> None:
    frame = reference.frame(opcode, TEXT_PAYLOAD)
    data = frame + reference.frame(BINARY, b"behind")
    whole: str | bytes = TEXT_PAYLOAD.decode() if opcode == TEXT else TEXT_PAYLOAD
    for first in range(len(data) + 1):
        for second in range(first, len(data) + 1):
            reader = make(codec)
            reader.stream()
            for read in (data[:first], data[first:second], data[second:]):
                reader.feed(read)
            assert ended(reader.given[0])
            assert reader.messages() == [whole, b"behind"]


def test_every_cut_of_fragments_with_a_ping_between(codec: Codec) -> None:
    for place in range(len(TEXT_PAYLOAD) + 1):
        data = (
            reference.frame(TEXT, TEXT_PAYLOAD[:place], fin=False)
            + reference.frame(PING, b"?")
            + reference.frame(CONTINUATION, TEXT_PAYLOAD[place:])
        )
        for cut in range(len(data) + 1):
            reader = make(codec)
            reader.stream()
            reader.feed(data[:cut])
            reader.feed(data[cut:])
            assert ended(reader.given[0])
            assert reader.messages() == [TEXT_PAYLOAD.decode()]
            assert reader.parser.controls == [(PING, b"?")]


def test_what_has_arrived_comes_at_once(codec: Codec) -> None:
    reader = make(codec)
    data = reference.frame(TEXT, TEXT_PAYLOAD)
    reader.feed(data[:-3])
    assert (reader.parser.message_opcode, reader.parser.filled) == (TEXT, len(TEXT_PAYLOAD) - 3)
    reader.stream()
    assert reader.given == [["aé中"]]
    reader.feed(data[-3:])
    assert reader.given == [["aé中", "😀z", ""]]
    assert (reader.parser.message_opcode, reader.parser.filled) == (0, 0)
    assert reader.parser.chunks is None


def test_a_read_is_one_chunk_and_the_next_messages_are_whole(codec: Codec) -> None:
    reader = make(codec)
    reader.stream()
    fragments = [
        reference.frame(CONTINUATION if number else BINARY, b"%d" % number, fin=False)
        for number in range(5)
    ]
    reader.feed(b"".join(fragments))
    assert reader.given == [[b"01234"]]
    reader.feed(
        reference.frame(CONTINUATION, b"5")
        + reference.frame(TEXT, b"next")
        + reference.frame(BINARY, b"la")[:-1]
    )
    assert reader.given == [[b"01234", b"5", b""], "next"]
    reader.feed(b"a")
    assert reader.given[-1] == b"la"[:1] + b"a"


def test_a_character_is_never_cut(codec: Codec) -> None:
    reader = make(codec)
    reader.stream()
    for byte in reference.frame(TEXT, TEXT_PAYLOAD):
        reader.feed(bytes([byte]))
    assert reader.given == [["a", "é", "中", "😀", "z", ""]]


@pytest.mark.parametrize(("opcode", "empty"), [(TEXT, ""), (BINARY, b"")], ids=["text", "binary"])
def test_an_empty_message(codec: Codec, opcode: int, empty: str | bytes) -> None:
    reader = make(codec)
    reader.stream()
    reader.feed(reference.frame(opcode, b"", fin=False) + reference.frame(CONTINUATION, b""))
    assert reader.given == [[empty]]


def test_text_as_bytes(codec: Codec) -> None:
    reader = make(codec, decode_text=False)
    reader.stream()
    data = reference.frame(TEXT, TEXT_PAYLOAD)
    reader.feed(data[:4])
    reader.feed(data[4:])
    assert reader.given == [[b"a", TEXT_PAYLOAD[1:], b""]]
    reader.stream()
    reader.feed(reference.frame(BINARY, b"\xff"))
    chunks = reader.given[1]
    assert [type(chunk) for chunk in chunks] == [Binary, Binary]
    assert [chunk.data for chunk in chunks] == [b"\xff", b""]


def test_the_limit_is_for_whole_messages(codec: Codec) -> None:
    reader = make(codec, max_message_size=3)
    reader.stream()
    reader.feed(reference.frame(BINARY, b"12345", fin=False))
    reader.feed(reference.frame(CONTINUATION, b"6789"))
    assert reader.messages() == [b"123456789"]
    reader.feed(reference.frame(BINARY, b"1234"))
    assert reader.error is not None
    assert reader.error[0] == "MessageTooBig"


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_taken_back_at_every_byte(codec: Codec, opcode: int) -> None:
    """Taking the chunks back leaves a whole message, as if no chunks had been given."""
    data = reference.frame(opcode, TEXT_PAYLOAD[:5], fin=False) + reference.frame(PING, b"?")
    data += reference.frame(CONTINUATION, TEXT_PAYLOAD[5:])
    whole: str | bytes = TEXT_PAYLOAD.decode() if opcode == TEXT else TEXT_PAYLOAD
    for asked in range(len(data)):
        for back in range(asked, len(data)):
            reader = make(codec)
            reader.feed(data[:asked])
            reader.stream()
            for byte in data[asked:back]:
                reader.feed(bytes([byte]))
            [chunks] = reader.given
            reader.given = []
            assert reader.parser.take_back(chunks)
            reader.feed(data[back:])
            assert reader.given == [whole]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_taken_back_from_memory_that_is_being_read_into(codec: Codec, opcode: int) -> None:
    payload = ("é中" * 60_000).encode()
    data = reference.frame(opcode, payload)
    reader = make(codec)
    reader.feed(data[:101])
    memory = reader.parser.get_buffer()
    reader.stream()
    [chunks] = reader.given
    reader.given = []
    assert reader.parser.take_back(chunks)
    if memory is None:
        reader.feed(data[101:201])
    else:
        memory[:100] = data[101:201]
        reader.parser.buffer_updated(100, reader.given)
    reader.feed(data[201:])
    assert reader.given == [payload.decode() if opcode == TEXT else payload]


def test_what_is_over_the_limit_is_not_taken_back(codec: Codec) -> None:
    for parts in ((b"1234",), (b"12", b"34")):
        reader = make(codec, max_message_size=3)
        reader.stream()
        for number, part in enumerate(parts):
            data = reference.frame(CONTINUATION if number else BINARY, part, fin=False)
            reader.feed(data[: len(data) - (len(parts) == 1)])
        assert not reader.parser.take_back([b"".join(reader.given[0])])
        assert reader.parser.chunks is reader.given[0]


@pytest.mark.parametrize("sizes", [[1], [3], [100]])
@pytest.mark.parametrize(
    ("payload", "valid"),
    [
        (b"ab\xff", "ab"),
        ("é中".encode() + b"\xed\xa0\x80", "é中"),
        ("é".encode() + b"\xf0\x9f", "é"),
        (b"\x80", ""),
    ],
)
def test_what_is_valid_comes_before_a_fault(
    codec: Codec, payload: bytes, valid: str, sizes: list[int]
) -> None:
    reader = make(codec)
    reader.stream()
    for read in in_reads(reference.frame(TEXT, payload), sizes):
        reader.feed(read)
    assert "".join(reader.given[0]) == valid
    assert not ended(reader.given[0])
    assert reader.error is not None
    assert reader.error[0] == "InvalidUtf8"
    assert (reader.parser.chunks, reader.parser.message_opcode) == (None, 0)


@pytest.mark.parametrize("sizes", [[1], [3], [100]])
def test_what_came_before_a_bad_frame(codec: Codec, sizes: list[int]) -> None:
    reader = make(codec)
    reader.stream()
    data = reference.frame(BINARY, b"abc", fin=False) + reference.frame(BINARY, b"d")
    for read in in_reads(data, sizes):
        reader.feed(read)
    assert b"".join(reader.given[0]) == b"abc"
    assert not ended(reader.given[0])
    assert reader.error is not None


@pytest.mark.parametrize("sizes", [[1], [3], [100]])
@pytest.mark.parametrize("reason", ["", "über"])
def test_a_close_frame_in_the_midst(codec: Codec, sizes: list[int], reason: str) -> None:
    reader = make(codec)
    reader.stream()
    payload = (1000).to_bytes(2, "big") + reason.encode()
    data = reference.frame(TEXT, "aé".encode()[:-1], fin=False) + reference.frame(CLOSE, payload)
    for read in in_reads(data, sizes):
        reader.feed(read)
    assert reader.given == [["a"]]
    assert reader.parser.close == (1000, reason)
    assert reader.parser.chunks is None


def test_a_header_that_claims_too_much(codec: Codec) -> None:
    reader = make(codec, max_message_size=None)
    tracemalloc.start()
    try:
        reader.stream()
        reader.feed(reference.header(BINARY, 1 << 40))
        for _ in range(50):
            reader.feed(b"a" * MIB)
            assert sum(map(len, reader.given[0])) == MIB
            reader.given[0].clear()
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_frame_that_was_being_read_in_place(codec: Codec, opcode: int) -> None:
    """Memory that was given out stays valid: it may be written to after chunks are asked for."""
    payload = ("é中" * 60_000).encode()
    data = reference.frame(opcode, payload)
    for cut in (20, 21, 22, 100_000, 100_001):
        reader = make(codec)
        reader.feed(data[:cut])
        memory = reader.parser.get_buffer()
        reader.stream()
        rest = data[cut : cut + 1000]
        messages: list[Any] = []
        if memory is None:
            reader.parser.feed(rest, messages)
        else:
            memory[: len(rest)] = rest
            reader.parser.buffer_updated(len(rest), messages)
        for read in in_reads(data[cut + 1000 :], [50_000]):
            reader.feed(read)
        assert messages == []
        assert ended(reader.given[0])
        assert reader.messages() == [payload.decode() if opcode == TEXT else payload]


@pytest.mark.parametrize("sizes", [[1], [7, 2, 64], [4096], [1 << 20]])
@pytest.mark.parametrize("keeps_context", [True, False])
def test_compressed_messages(codec: Codec, sizes: list[int], *, keeps_context: bool) -> None:
    text = "".join(chr(0x4E00 + number % 3000) for number in range(50_000))
    parser = codec.MessageParser(max_message_size=1000)
    parser.accept_compressed(Inflater(15, keeps_context=keeps_context))
    reader = Reader(parser)
    payload = deflate(text.encode())
    frame = bytearray(reference.frame(TEXT, payload[:100], fin=False))
    frame[0] |= 0x40
    short = bytearray(reference.frame(TEXT, deflate(b"short")))
    short[0] |= 0x40
    reader.stream()
    data = bytes(frame) + reference.frame(CONTINUATION, payload[100:])
    for read in in_reads(data, sizes):
        reader.feed(read)
    assert ended(reader.given[0])
    reader.feed(bytes(short))
    reader.stream()
    reader.feed(bytes(short))
    assert reader.error is None
    assert reader.messages() == [text, "short", "short"]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=6),
    places=st.sets(st.integers(0, 40)),
    masked=st.booleans(),
)
def test_any_stream_in_any_reads(
    codec: Codec, seed: int, sizes: list[int], places: set[int], *, masked: bool
) -> None:
    """Wherever chunks are asked for, everything adds up to the messages, in order."""
    data = random_stream(random.Random(seed), masked=masked)
    expected = reference.parse(data, masked=masked)
    reader = make(codec, masked=masked)
    for number, read in enumerate(in_reads(data, sizes)):
        if number in places:
            reader.stream()
        reader.feed(read)
    assert reader.error == expected.error
    assert reader.parser.controls == expected.controls
    assert reader.parser.close == expected.close
    given_ = [part for part in reader.given if part != []]
    whole = reader.messages()
    if given_ and isinstance(given_[-1], list) and not ended(given_[-1]):
        whole.pop()
    assert whole == expected.messages
    for part in given_[:-1]:
        assert not isinstance(part, list) or ended(part)
