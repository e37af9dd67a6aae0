"""`Utf8Validator` against the oracle and Python's own decoder."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import reference
from hypothesis import given, settings, strategies as st
from twins.buffers import BYTES_LIKE, NOT_BYTES_LIKE
from twins.driving import Codec
from twins.utf8_cases import (
    ALL_OF_ONE_BYTE,
    ALL_OF_TWO_BYTES,
    EDGES_OF_FOUR_BYTES,
    EDGES_OF_THREE_BYTES,
    SURROUNDINGS,
)

from wirespeed._codec.contract import Utf8Validator


def state(validator: Utf8Validator) -> str:
    """Return the validator's state in the oracle's words. Feeding nothing must not change it."""
    if not validator.feed(b""):
        assert not validator.complete
        return "invalid"
    return "valid" if validator.complete else "unfinished"


def is_text(data: bytes) -> bool:
    """Return whether Python's decoder accepts the whole data."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_in_pieces(codec: Codec, *pieces: bytes) -> None:
    """Feed the pieces, and compare with the oracle after each."""
    validator = codec.Utf8Validator()
    fed = b""
    for piece in pieces:
        fed += piece
        expected = reference.check_utf8(fed)
        assert validator.feed(piece) is (expected != "invalid"), pieces
        assert state(validator) == expected, pieces


@pytest.mark.parametrize(
    "cases",
    [ALL_OF_ONE_BYTE, ALL_OF_TWO_BYTES, EDGES_OF_THREE_BYTES, EDGES_OF_FOUR_BYTES],
    ids=["all 1", "all 2", "edges 3", "edges 4"],
)
def test_the_oracle_agrees_with_python(cases: list[bytes]) -> None:
    for case in cases:
        assert (reference.check_utf8(case) == "valid") == is_text(case), case


@pytest.mark.parametrize(
    "cases",
    [ALL_OF_ONE_BYTE, ALL_OF_TWO_BYTES, EDGES_OF_THREE_BYTES, EDGES_OF_FOUR_BYTES],
    ids=["all 1", "all 2", "edges 3", "edges 4"],
)
def test_short_sequences_at_once(codec: Codec, cases: list[bytes]) -> None:
    for case in cases:
        expected = reference.check_utf8(case)
        validator = codec.Utf8Validator()
        assert validator.feed(case) is (expected != "invalid"), case
        assert validator.complete is (expected == "valid"), case


def test_two_bytes_split(codec: Codec) -> None:
    for case in ALL_OF_TWO_BYTES:
        validator = codec.Utf8Validator()
        validator.feed(case[:1])
        verdict = validator.feed(case[1:])
        expected = reference.check_utf8(case)
        assert verdict is (expected != "invalid"), case
        assert validator.complete is (expected == "valid"), case


def test_edges_split_at_each_point(codec: Codec) -> None:
    for case in EDGES_OF_THREE_BYTES:
        check_in_pieces(codec, case[:1], case[1:2], case[2:])
        check_in_pieces(codec, case[:1], case[1:])
        check_in_pieces(codec, case[:2], case[2:], b"a")
    for case in EDGES_OF_FOUR_BYTES:
        check_in_pieces(codec, *(case[place : place + 1] for place in range(4)))
        for cut in (1, 2, 3):
            check_in_pieces(codec, case[:cut], case[cut:])


@pytest.mark.parametrize("before", SURROUNDINGS)
@pytest.mark.parametrize("filler", [b"a", "é".encode(), "中".encode(), "😀".encode()])
def test_edges_among_other_text(codec: Codec, before: int, filler: bytes) -> None:
    cases = random.Random(f"{before} {filler!r}").sample(EDGES_OF_FOUR_BYTES, 100)
    lead = b"x" * before
    for case in cases:
        for data in (lead + case, lead + case + filler * 70, filler * before + case):
            expected = reference.check_utf8(data)
            validator = codec.Utf8Validator()
            assert validator.feed(data) is (expected != "invalid"), data
            assert validator.complete is (expected == "valid"), data


def test_one_bad_byte_anywhere(codec: Codec) -> None:
    for length in range(1, 140):
        for place in {0, length // 2, length - 1}:
            data = bytearray(b"a" * length)
            data[place] = 0x80
            validator = codec.Utf8Validator()
            assert validator.feed(data) is False, (length, place)


@settings(deadline=None, max_examples=150)
@given(
    text=st.text(max_size=80),
    noise=st.binary(max_size=2),
    place=st.integers(0, 80),
    cuts=st.lists(st.integers(0, 320), max_size=6),
)
def test_random_text_in_pieces(
    codec: Codec, text: str, noise: bytes, place: int, cuts: list[int]
) -> None:
    data = text[:place].encode() + noise + text[place:].encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    check_in_pieces(codec, *(data[start:stop] for start, stop in pairwise(edges)))


@settings(deadline=None, max_examples=150)
@given(
    runs=st.lists(st.tuples(st.sampled_from("aé中😀\u07ff\uffff"), st.integers(1, 90)), min_size=1),
    place=st.integers(0, 2000),
    spoilt=st.none() | st.integers(0, 255),
    cuts=st.lists(st.integers(0, 2000), max_size=4),
)
def test_long_text_with_one_byte_spoilt(
    codec: Codec, runs: list[tuple[str, int]], place: int, spoilt: int | None, cuts: list[int]
) -> None:
    data = bytearray("".join(filler * times for filler, times in runs).encode())
    if spoilt is not None:
        data[place % len(data)] = spoilt
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    check_in_pieces(codec, *(bytes(data[start:stop]) for start, stop in pairwise(edges)))


def test_invalid_once_is_invalid_for_ever(codec: Codec) -> None:
    validator = codec.Utf8Validator()
    assert validator.feed(b"ok") is True
    assert validator.feed(b"\xc3(") is False
    assert validator.feed(b"ok") is False
    assert validator.complete is False


def test_nothing_is_complete(codec: Codec) -> None:
    assert codec.Utf8Validator().complete is True


@pytest.mark.parametrize("kind", BYTES_LIKE)
def test_kinds_of_data(codec: Codec, kind: str) -> None:
    for text, expected in (("aé😀!", True), ("aé\ud800!", False)):
        raw = text.encode("utf-8", "surrogatepass")
        validator = codec.Utf8Validator()
        with BYTES_LIKE[kind](raw + b"." * (-len(raw) % 4)) as data:
            assert validator.feed(data) is expected


@pytest.mark.parametrize("data", NOT_BYTES_LIKE, ids=repr)
def test_what_is_not_bytes_like(codec: Codec, data: object) -> None:
    with pytest.raises(TypeError, match=rf"^data must be bytes-like, not {type(data).__name__}$"):
        codec.Utf8Validator().feed(data)  # type: ignore[arg-type]


def test_unfinished_data_is_not_kept_by_reference(codec: Codec) -> None:
    validator = codec.Utf8Validator()
    data = bytearray("a😀".encode()[:-1])
    assert validator.feed(data) is True
    data[:] = b"\xff" * 20
    assert validator.feed("😀".encode()[-1:]) is True
    assert validator.complete is True
