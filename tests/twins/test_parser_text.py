"""Text messages are checked as they arrive: the first bad byte fails the connection.

Binary messages are not checked.
"""

from __future__ import annotations

import random

import pytest
import reference
from twins.driving import Codec, Peer, parse
from twins.utf8_cases import (
    ALL_OF_ONE_BYTE,
    ALL_OF_TWO_BYTES,
    EDGES_OF_FOUR_BYTES,
    EDGES_OF_THREE_BYTES,
    SURROUNDINGS,
)

from wirespeed.exceptions import InvalidUtf8

FAULT = ("InvalidUtf8", 1007, "text message is not valid UTF-8 (RFC 6455 section 8.1)")
CASES = [
    *ALL_OF_ONE_BYTE,
    *random.Random("pairs").sample(ALL_OF_TWO_BYTES, 1000),
    *EDGES_OF_THREE_BYTES,
    *EDGES_OF_FOUR_BYTES,
]


def expected_of(payload: bytes) -> reference.Outcome:
    """Return the expected outcome of a whole message with this payload."""
    if reference.check_utf8(payload) == "valid":
        return reference.Outcome(messages=[payload.decode()])
    return reference.Outcome(error=FAULT)


def test_edges_in_one_frame(codec: Codec) -> None:
    for case in CASES:
        expected = expected_of(case)
        stream = reference.frame(1, case)
        assert parse(codec, stream) == expected, case
        assert parse(codec, stream, [1]) == expected, case


def test_edges_in_two_fragments(codec: Codec) -> None:
    for case in EDGES_OF_FOUR_BYTES:
        for cut in range(5):
            stream = reference.frame(1, case[:cut], fin=False) + reference.frame(0, case[cut:])
            assert parse(codec, stream) == expected_of(case), (case, cut)


@pytest.mark.parametrize("before", SURROUNDINGS)
def test_edges_in_longer_text(codec: Codec, before: int) -> None:
    rng = random.Random(f"longer {before}")
    for case in rng.sample(EDGES_OF_FOUR_BYTES, 60):
        for filler in (b"a", "é".encode(), "中".encode(), "😀".encode()):
            payload = filler * before + case + filler * rng.choice(SURROUNDINGS)
            stream = reference.frame(1, payload)
            assert parse(codec, stream) == expected_of(payload), payload
            assert parse(codec, stream, [20]) == expected_of(payload), payload


@pytest.mark.parametrize("filler", ["a", "é", "中", "😀", "aé", "a中", "é😀", "\x00"])
def test_text_of_every_width_and_length(codec: Codec, filler: str) -> None:
    for length in range(140):
        text = (filler * length)[:length]
        stream = reference.frame(1, text.encode())
        assert parse(codec, stream).messages == [text]
        assert parse(codec, stream, [21]).messages == [text]


@pytest.mark.parametrize(
    "case", [b"\xff", b"a\x80", b"\xed\xa0", b"\xf4\x90", b"\xe0\x9f", b"\xc0"]
)
@pytest.mark.parametrize("fin", [False, True])
def test_the_first_bad_byte_fails_inside_a_frame(codec: Codec, case: bytes, fin: bool) -> None:
    for before in (b"", b"x" * 200, "é".encode() * 40):
        peer = Peer(codec.MessageParser())
        assert peer.receive(reference.header(1, 300, fin=fin), [100]).error is None
        assert peer.receive(before + case[:-1], [100]).error is None
        assert peer.receive(case[-1:], [100]).error == FAULT


def test_the_first_bad_byte_fails_inside_a_continuation(codec: Codec) -> None:
    peer = Peer(codec.MessageParser())
    peer.receive(reference.frame(1, b"\xf0\x9f", fin=False), [100])
    peer.receive(reference.frame(9, b"\xff"), [100])
    assert peer.receive(reference.header(0, 50) + b"\x98", [100]).error is None
    assert peer.receive(b"a", [100]).error == FAULT


@pytest.mark.parametrize("unfinished", [b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98", b"\xf4"])
def test_the_message_must_not_end_inside_a_character(codec: Codec, unfinished: bytes) -> None:
    payload = b"abc" + unfinished
    streams = [
        reference.frame(1, payload),
        reference.frame(1, payload, fin=False) + reference.frame(0, b""),
        reference.frame(1, b"abc", fin=False) + reference.frame(0, unfinished),
    ]
    for stream in streams:
        for sizes in (None, [1]):
            assert parse(codec, stream, sizes) == reference.Outcome(error=FAULT)
    open_ended = reference.frame(1, payload, fin=False) + reference.frame(9, b"")
    assert parse(codec, open_ended) == reference.Outcome(controls=[(9, b"")])


def test_a_new_message_starts_afresh(codec: Codec) -> None:
    stream = reference.frame(1, b"\xc3", fin=False) + reference.frame(0, b"\xa9")
    stream += reference.frame(2, b"\xc3", fin=False) + reference.frame(0, b"\xff")
    stream += reference.frame(2, b"\xed\xa0\x80") + reference.frame(1, b"ok")
    for sizes in (None, [1]):
        outcome = parse(codec, stream, sizes)
        assert outcome.error is None
        assert outcome.messages == ["é", b"\xc3\xff", b"\xed\xa0\x80", "ok"]


@pytest.mark.parametrize("before", [0, 2, 4])
@pytest.mark.parametrize(
    "stream",
    [reference.frame(1, b"secret\xff"), reference.frame(8, b"\x03\xe8secret\xff")],
    ids=["text", "close"],
)
def test_the_error_does_not_carry_the_payload(codec: Codec, stream: bytes, before: int) -> None:
    parser = codec.MessageParser()
    parser.feed(stream[:before], [])
    with pytest.raises(InvalidUtf8) as caught:
        parser.feed(stream[before:], [])
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
