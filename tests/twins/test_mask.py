"""`apply_mask` against the oracle, at every alignment and length that a kernel may special-case."""

from __future__ import annotations

import random

import pytest
import reference
from hypothesis import given, strategies as st
from twins.buffers import BYTES_LIKE, NOT_BYTES_LIKE
from twins.driving import Codec

KEY = b"\x37\xfa\x21\x3d"


@pytest.mark.parametrize("length", range(258))
def test_every_alignment(codec: Codec, length: int) -> None:
    memory = bytearray(random.Random(length).randbytes(64 + length + 64))
    untouched = bytes(memory)
    for start in range(64):
        data = memoryview(memory)[start : start + length]
        masked = codec.apply_mask(data, KEY)
        assert masked == reference.apply_mask(bytes(data), KEY), start
    assert memory == untouched


@pytest.mark.parametrize("offset", [*range(9), 255, 65537, 2**31 - 1, 2**31 + 2, 2**62 + 3])
def test_offsets(codec: Codec, offset: int) -> None:
    for length in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 31, 63, 100, 257):
        data = random.Random(length).randbytes(length)
        expected = reference.apply_mask(data, KEY, offset)
        assert codec.apply_mask(data, KEY, offset) == expected
        assert codec.apply_mask(data, KEY, offset=offset) == expected


@pytest.mark.parametrize("length", [1023, 1024, 1025, 8191, 8192, 8193, 65536, 300_001])
def test_long_data(codec: Codec, length: int) -> None:
    data = random.Random(length).randbytes(length)
    for offset in (0, 3):
        assert codec.apply_mask(data, KEY, offset) == reference.apply_mask(data, KEY, offset)


@given(data=st.binary(max_size=200), key=st.binary(min_size=4, max_size=4), cut=st.integers(0, 200))
def test_piece_by_piece_is_the_same_as_at_once(
    codec: Codec, data: bytes, key: bytes, cut: int
) -> None:
    expected = reference.apply_mask(data, key)
    pieces = codec.apply_mask(data[:cut], key) + codec.apply_mask(data[cut:], key, cut)
    assert pieces == expected
    assert codec.apply_mask(expected, key) == data


@pytest.mark.parametrize("key", [bytes(4), b"\xff" * 4, b"\x00\x00\x00\x80", b"\x80\x00\x00\x00"])
def test_keys_at_the_edges(codec: Codec, key: bytes) -> None:
    for data in (bytes(100), b"\xff" * 100, bytes(range(100))):
        assert codec.apply_mask(data, key) == reference.apply_mask(data, key)


@pytest.mark.parametrize("kind", BYTES_LIKE)
def test_kinds_of_data_and_key(codec: Codec, kind: str) -> None:
    raw = bytes(range(100, 120))
    expected = reference.apply_mask(raw, KEY, 1)
    with BYTES_LIKE[kind](raw) as data:
        masked = codec.apply_mask(data, KEY, 1)
    assert masked == expected
    assert type(masked) is bytes
    with BYTES_LIKE[kind](KEY) as key:
        assert codec.apply_mask(raw, key, 1) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", NOT_BYTES_LIKE, ids=repr)
def test_what_is_not_bytes_like(codec: Codec, wrong: object) -> None:
    name = type(wrong).__name__
    with pytest.raises(TypeError, match=rf"^data must be bytes-like, not {name}$"):
        codec.apply_mask(wrong, KEY)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=rf"^masking key must be bytes-like, not {name}$"):
        codec.apply_mask(b"data", wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 1, 3, 5, 8])
def test_a_key_of_the_wrong_length(codec: Codec, length: int) -> None:
    with pytest.raises(ValueError, match=rf"^masking key must be 4 bytes, not {length}$"):
        codec.apply_mask(b"data", bytes(length))


@pytest.mark.parametrize("offset", [-1, -4, -(2**40)])
def test_a_negative_offset(codec: Codec, offset: int) -> None:
    with pytest.raises(ValueError, match=r"^offset must not be negative$"):
        codec.apply_mask(b"data", KEY, offset)


@pytest.mark.parametrize("offset", ["1", 1.0, None], ids=repr)
def test_an_offset_that_is_no_number(codec: Codec, offset: object) -> None:
    with pytest.raises(TypeError):
        codec.apply_mask(b"data", KEY, offset)  # type: ignore[arg-type]
