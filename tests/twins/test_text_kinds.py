"""Text of every kind of `str`: messages equal what Python's own decoder returns.

All text here is valid UTF-8.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from itertools import product

import pytest
import reference
from hypothesis import given, settings, strategies as st
from twins.driving import Codec, parse

# The highest code points of one, two, three and four bytes of UTF-8, and of one, two and four bytes
# in a `str`, each with the next code point.
EDGES = ("\x7f", "\x80", "\xff", "\u0100", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff")
EDGES_OF_FOUR_BYTES = ("\U00010000", "\U0001f600", "\U0010ffff")
FILLERS = ("a", "é", "я", "中", "😀")
RANGES = ((0, 0x7F), (0, 0xFF), (0x400, 0x44F), (0x3000, 0xFFFF), (0x10000, None), (0, None))
# Lengths around 16, 32 and 64 bytes, and around the limits of short texts and of larger blocks.
LENGTHS = (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 39, 40, 41, 63, 64, 65, 95, 127, 128, 129, 300)


def check_like_python(texts: Sequence[object], payloads: list[bytes]) -> None:
    """Check that texts equal Python's, with the same hash and size: CPython relies on it."""
    expected = [payload.decode() for payload in payloads]
    assert texts == expected
    assert [hash(text) for text in texts] == [hash(text) for text in expected]
    # Single Latin-1 characters are shared by the whole process, and may have a cached UTF-8 form.
    sizes = [sys.getsizeof(text) for text, twin in zip(texts, expected, strict=True) if twin[1:]]
    assert sizes == [sys.getsizeof(text) for text in expected if text[1:]]


def check_messages(codec: Codec, payloads: list[bytes]) -> None:
    """Check payloads in one frame each, whole and in pieces, and in two fragments each."""
    whole = b"".join(reference.frame(1, payload) for payload in payloads)
    halves = b"".join(
        reference.frame(1, payload[: len(payload) // 2], fin=False)
        + reference.frame(0, payload[len(payload) // 2 :])
        for payload in payloads
    )
    for stream, sizes in ((whole, None), (whole, [37]), (halves, None)):
        outcome = parse(codec, stream, sizes)
        assert outcome.error is None
        check_like_python(outcome.messages, payloads)


@pytest.mark.parametrize("edge", EDGES + EDGES_OF_FOUR_BYTES, ids=ascii)
@pytest.mark.parametrize("filler", FILLERS)
def test_the_highest_character_decides(codec: Codec, edge: str, filler: str) -> None:
    texts = [filler * before + edge for before in LENGTHS]
    texts += [edge + filler * behind for behind in LENGTHS]
    texts += [filler * around + edge + "a" * around for around in LENGTHS]
    check_messages(codec, [text.encode() for text in texts])


@pytest.mark.parametrize("last", EDGES[1:] + EDGES_OF_FOUR_BYTES, ids=ascii)
def test_ascii_to_the_last_character(codec: Codec, last: str) -> None:
    texts = ["a" * before + last for before in range(270)]
    check_messages(codec, [text.encode() for text in texts])


def test_runs_of_each_width_after_each_other(codec: Codec) -> None:
    rng = random.Random("runs")
    texts = [
        "".join(width * rng.randint(0, longest) for width in widths * 3)
        for widths in product(FILLERS, repeat=3)
        for longest in (3, 12, 60)
    ]
    check_messages(codec, [text.encode() for text in texts])


@pytest.mark.parametrize("filler", ["a", "é", "я", "中", "😀", "a中", "é😀 "])
@pytest.mark.parametrize("length", [70_000, 1_000_001])
def test_long_text(codec: Codec, filler: str, length: int) -> None:
    payload = (filler * length).encode()[:length].decode(errors="ignore").encode()
    outcome = parse(codec, reference.frame(1, payload))
    check_like_python(outcome.messages, [payload])
    outcome = parse(codec, reference.frame(1, payload), [50_000])
    check_like_python(outcome.messages, [payload])


@settings(deadline=None, max_examples=200)
@given(
    runs=st.lists(
        st.one_of(
            [
                st.text(st.characters(min_codepoint=lowest, max_codepoint=highest, codec="utf-8"))
                for lowest, highest in RANGES
            ]
        ),
        max_size=6,
    )
)
def test_any_text(codec: Codec, runs: list[str]) -> None:
    check_messages(codec, ["".join(runs).encode(), *(run.encode() for run in runs)])
