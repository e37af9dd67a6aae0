"""Large frames, read into memory that the parser gives out, and how much memory a parser uses.

Only the compiled implementation gives memory out. Plain Python must pass the same tests.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
import reference
from twins.driving import Codec, Peer

from wirespeed._codec.contract import MessageParser
from wirespeed.exceptions import ProtocolError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
DIRECT_BYTES = 64 * KIB


def gives_memory(codec: Codec) -> bool:
    """Return whether this implementation reads in place."""
    return codec.__name__ == "wirespeed._codec._core"


def room(parser: MessageParser) -> int | None:
    """Return the size of the memory that the parser gives out, or `None` if it gives none."""
    view = parser.get_buffer()
    return None if view is None else len(view)


def payload_of(size: int) -> bytes:
    """Make text that differs from place to place."""
    return "".join(f"{number:x}é中😀" for number in range(size // 12)).encode()


PAYLOAD = payload_of(400 * KIB)


@pytest.mark.parametrize("sizes", [[1000], [KIB * 64, 1, 5], [MIB], [70_001]])
@pytest.mark.parametrize("opcode", [1, 2])
def test_one_large_frame(codec: Codec, opcode: int, sizes: list[int]) -> None:
    head = reference.header(opcode, len(PAYLOAD))
    stream = head + PAYLOAD + reference.frame(2, b"next") + reference.frame(9, b"ping")
    peer = Peer(codec.MessageParser())
    outcome = peer.receive(stream, [len(head), *sizes])
    first: str | bytes = PAYLOAD.decode() if opcode == 1 else PAYLOAD
    assert outcome == reference.Outcome(messages=[first, b"next"], controls=[(9, b"ping")])
    assert (peer.reads_in_place > 0) is gives_memory(codec)


@pytest.mark.parametrize("opcode", [1, 2])
def test_large_fragments_with_controls_between(codec: Codec, opcode: int) -> None:
    cuts = [0, 3, 100_001, 100_001, 300_000, len(PAYLOAD)]
    stream = b""
    for number, (start, stop) in enumerate(pairwise(cuts)):
        fin = stop == len(PAYLOAD)
        stream += reference.frame(0 if number else opcode, PAYLOAD[start:stop], fin=fin)
        stream += reference.frame(9, b"%d" % number)
    expected: str | bytes = PAYLOAD.decode() if opcode == 1 else PAYLOAD
    for sizes in ([997], [65536], [10, 90_000]):
        peer = Peer(codec.MessageParser(max_message_size=len(PAYLOAD)))
        outcome = peer.receive(stream * 2, sizes)
        assert outcome.error is None
        assert outcome.messages == [expected] * 2
        assert outcome.controls == [(9, b"%d" % number) for number in range(5)] * 2
        assert (peer.reads_in_place > 0) is gives_memory(codec)


def test_memory_is_given_while_64_kib_are_missing(codec: Codec) -> None:
    parser = codec.MessageParser()
    messages: list[str | bytes] = []
    assert parser.get_buffer() is None
    for length in (DIRECT_BYTES - 1, DIRECT_BYTES, DIRECT_BYTES + 10):
        head = reference.header(2, length)
        parser.feed(head[:-1], messages)
        assert parser.get_buffer() is None
        parser.feed(head[-1:], messages)
        for missing in range(length, 0, -5):
            size = room(parser)
            if missing >= DIRECT_BYTES and gives_memory(codec):
                assert size is not None
                assert 0 < size <= missing
            else:
                assert size is None
            parser.feed(b"abcde"[:missing], messages)
        assert parser.get_buffer() is None
    assert [len(message) for message in messages] == [65535, 65536, 65546]


def test_memory_never_extends_past_the_frame(codec: Codec) -> None:
    parser = codec.MessageParser()
    peer = Peer(parser)
    missing = len(PAYLOAD)
    peer.receive(reference.header(2, missing), [100])
    while missing:
        size = room(parser)
        assert size is None or 0 < size <= missing
        step = min(missing, size or 30_000, 30_000)
        peer.receive(PAYLOAD[-missing:][:step], [step])
        missing -= step
    assert peer.outcome.messages == [PAYLOAD]


def test_no_memory_is_given_for_masked_frames(codec: Codec) -> None:
    parser = codec.MessageParser(masked=True)
    parser.feed(reference.header(2, MIB, masked=True) + b"keys" + b"data", [])
    assert parser.get_buffer() is None


def test_reading_in_place_and_feeding_may_alternate(codec: Codec) -> None:
    parser = codec.MessageParser()
    messages: list[str | bytes] = []
    parser.feed(reference.header(1, len(PAYLOAD)), messages)
    for start in range(0, len(PAYLOAD), 10_007):
        piece = PAYLOAD[start : start + 10_007]
        view = parser.get_buffer()
        # Memory may be given out without a read, and `feed` may follow instead.
        if view is None or start % 2:
            parser.feed(piece, messages)
        else:
            view[: len(piece)] = piece
            parser.buffer_updated(len(piece), messages)
    assert messages == [PAYLOAD.decode()]


@pytest.mark.parametrize("place", [0, 1, 70_000, 139_999])
@pytest.mark.parametrize("size", [5000, 65536, MIB])
def test_a_bad_byte_in_a_large_text(codec: Codec, place: int, size: int) -> None:
    payload = bytearray(b"a" * 140_000)
    payload[place] = 0xFF
    head = reference.header(1, 300_000)
    peer = Peer(codec.MessageParser())
    peer.receive(head, [100])
    outcome = peer.receive(bytes(payload), [size])
    assert outcome.error == reference.parse(head + bytes(payload)).error
    assert outcome.error is not None
    assert peer.parser.get_buffer() is None


def test_a_large_text_that_ends_inside_a_character(codec: Codec) -> None:
    stream = reference.frame(1, b"a" * 200_000 + b"\xe4\xb8")
    peer = Peer(codec.MessageParser())
    outcome = peer.receive(stream, [10])
    assert outcome.error == reference.parse(stream).error
    assert outcome.error is not None


def test_buffer_updated_without_a_buffer(codec: Codec) -> None:
    parser = codec.MessageParser()
    with pytest.raises(RuntimeError, match=r"^no buffer is out"):
        parser.buffer_updated(1, [])
    parser.feed(reference.header(2, 10) + b"12345", [])
    with pytest.raises(RuntimeError, match=r"^no buffer is out"):
        parser.buffer_updated(11, [])
    with pytest.raises(RuntimeError, match=r"^no buffer is out"):
        parser.buffer_updated(3, [])


def test_a_loan_ends_with_the_next_feed(codec: Codec) -> None:
    parser = codec.MessageParser()
    parser.feed(reference.header(2, 200_000) + b"12345", [])
    parser.get_buffer()
    parser.feed(b"6", [])
    with pytest.raises(RuntimeError, match=r"^no buffer is out"):
        parser.buffer_updated(0, [])


@contextmanager
def traced() -> Iterator[None]:
    """Trace allocations during the block."""
    gc.collect()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("opcode", [1, 2])
def test_a_header_that_claims_a_gibibyte_takes_no_memory(codec: Codec, opcode: int) -> None:
    head = reference.header(opcode, GIB)
    with traced():
        parser = codec.MessageParser(max_message_size=None)
        parser.feed(head + b"0123456789", [])
        for _ in range(100):
            parser.get_buffer()
        peak = tracemalloc.get_traced_memory()[1]
    assert peak < MIB


def test_memory_grows_with_the_bytes_received(codec: Codec) -> None:
    chunk = b"x" * (16 * KIB)
    with traced():
        peer = Peer(codec.MessageParser(max_message_size=None))
        peer.receive(reference.header(2, GIB), [100])
        for _ in range(256):
            peer.receive(chunk, [len(chunk)])
        held, peak = tracemalloc.get_traced_memory()
    assert 4 * MIB <= held < 6 * MIB
    # Growing by moving may hold the old and the new memory for a moment.
    assert peak < 10 * MIB


def test_empty_fragments_take_no_memory(codec: Codec) -> None:
    fragments = reference.frame(0, b"", fin=False) * 10_000
    parser = codec.MessageParser(max_message_size=None)
    parser.feed(reference.frame(1, b"a", fin=False), [])
    with traced():
        parser.feed(fragments, [])
        held = tracemalloc.get_traced_memory()[0]
    assert held < 16 * KIB


@pytest.mark.parametrize("end", [b"\xff\xff", reference.frame(8, b"")], ids=["fault", "close"])
def test_the_end_gives_the_memory_back(codec: Codec, end: bytes) -> None:
    begun = reference.frame(2, bytes(4 * MIB), fin=False)
    with traced():
        parser = codec.MessageParser(max_message_size=None)
        parser.feed(begun, [])
        before = tracemalloc.get_traced_memory()[0]
        try:
            parser.feed(end, [])
        except ProtocolError:
            assert end == b"\xff\xff"
        after = tracemalloc.get_traced_memory()[0]
    assert before >= 4 * MIB
    assert after < MIB


def test_a_finished_message_leaves_nothing_behind(codec: Codec) -> None:
    stream = reference.frame(2, bytes(4 * MIB))
    messages: list[str | bytes] = []
    with traced():
        parser = codec.MessageParser()
        parser.feed(stream[:MIB], messages)
        parser.feed(memoryview(stream)[MIB:], messages)
        assert messages == [bytes(4 * MIB)]
        messages.clear()
        held = tracemalloc.get_traced_memory()[0]
    assert held < MIB
