"""Whole streams, valid and damaged, in every kind of chunking, against the oracle."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import reference
from hypothesis import given, settings, strategies as st
from twins.driving import Codec, Peer, parse
from twins.streams import random_sizes, random_stream, spoil

SHORT_STREAM = (
    reference.frame(1, "aé".encode())
    + reference.frame(2, b"\x00\x01", fin=False)
    + reference.frame(9, b"ping")
    + reference.frame(0, b"", fin=False)
    + reference.frame(0, b"\x02")
    + reference.frame(1, "中".encode()[:2], fin=False)
    + reference.frame(10, b"")
    + reference.frame(0, "中".encode()[2:] + b"!")
    + reference.header(2, 126)
    + bytes(range(126))
    + reference.frame(8, b"\x03\xe8bye")
)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("spoiled", [False, True])
@pytest.mark.parametrize("block", range(4))
def test_random_streams_in_random_chunks(
    codec: Codec, block: int, spoiled: bool, masked: bool
) -> None:
    rng = random.Random(f"streams {block} {spoiled} {masked}")
    for _ in range(100):
        stream = random_stream(rng, masked=masked)
        if spoiled:
            stream = spoil(rng, stream)
        limit = rng.choice((None, None, 500, 100))
        expected = reference.parse(stream, masked=masked, max_message_size=limit)
        for sizes in (None, [1], random_sizes(rng), random_sizes(rng)):
            outcome = parse(codec, stream, sizes, masked=masked, max_message_size=limit)
            assert outcome == expected, (stream, sizes, limit)


def test_random_bytes(codec: Codec) -> None:
    rng = random.Random("bytes")
    for _ in range(3000):
        stream = rng.choice((b"\x81", b"\x01", b"\x82\x7e", b"\x88", b"")) + rng.randbytes(12)
        expected = reference.parse(stream)
        assert parse(codec, stream) == expected, stream
        assert parse(codec, stream, [1]) == expected, stream


def test_every_split_in_two(codec: Codec) -> None:
    expected = reference.parse(SHORT_STREAM)
    assert expected.messages == ["aé", b"\x00\x01\x02", "中!", bytes(range(126))]
    for cut in range(1, len(SHORT_STREAM)):
        assert parse(codec, SHORT_STREAM, [cut, len(SHORT_STREAM)]) == expected, cut


def test_every_split_in_three(codec: Codec) -> None:
    stream = SHORT_STREAM[:44]
    expected = reference.parse(stream)
    for first in range(1, len(stream) - 1):
        for second in range(1, len(stream) - first):
            sizes = [first, second, len(stream)]
            assert parse(codec, stream, sizes) == expected, sizes


@pytest.mark.parametrize("masked", [False, True])
def test_after_each_byte_everything_that_can_be_known_is_known(codec: Codec, masked: bool) -> None:
    rng = random.Random(f"prefixes {masked}")
    for number in range(60):
        stream = random_stream(rng, masked=masked)[:300]
        if number % 2:
            stream = spoil(rng, stream)
        peer = Peer(codec.MessageParser(max_message_size=100, masked=masked))
        for size in range(1, len(stream) + 1):
            outcome = peer.receive(stream[size - 1 : size], [1])
            expected = reference.parse(stream[:size], masked=masked, max_message_size=100)
            assert outcome == expected, stream[:size]
            if expected.error or expected.close:
                break


@settings(deadline=None, max_examples=150)
@given(
    frames=st.lists(
        st.tuples(
            st.integers(0, 255),
            st.binary(max_size=20) | st.text(max_size=10).map(str.encode),
        ),
        max_size=6,
    ),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    limit=st.none() | st.integers(0, 40),
)
def test_frames_of_any_kind(
    codec: Codec, frames: list[tuple[int, bytes]], sizes: list[int], limit: int | None
) -> None:
    stream = b"".join(bytes([first, len(payload)]) + payload for first, payload in frames)
    expected = reference.parse(stream, max_message_size=limit)
    assert parse(codec, stream, sizes, max_message_size=limit) == expected


@settings(deadline=None, max_examples=150)
@given(
    text=st.text(max_size=60),
    cuts=st.lists(st.integers(0, 240), max_size=5),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=8),
)
def test_text_in_fragments_cut_anywhere(
    codec: Codec, text: str, cuts: list[int], sizes: list[int]
) -> None:
    payload = text.encode()
    edges = [0, *sorted(min(cut, len(payload)) for cut in cuts), len(payload)]
    last = len(edges) - 2
    stream = b"".join(
        reference.frame(0 if number else 1, payload[start:stop], fin=number == last)
        for number, (start, stop) in enumerate(pairwise(edges))
    )
    assert parse(codec, stream, sizes) == reference.Outcome(messages=[text])


def test_a_chunk_that_is_empty_changes_nothing(codec: Codec) -> None:
    parser = codec.MessageParser()
    messages: list[str | bytes] = []
    for byte in SHORT_STREAM:
        parser.feed(b"", messages)
        parser.feed(bytes([byte]), messages)
        parser.feed(b"ignored", messages, 0)
    assert messages == reference.parse(SHORT_STREAM).messages
    assert parser.close == (1000, "bye")
