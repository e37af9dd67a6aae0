"""Compression of sent messages; `zlib` inflates the results as a check."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from deflating import BACKENDS, inflate_strictly
from hypothesis import given, settings, strategies as st

from wirespeed import Deflate
from wirespeed._base.rfc6455 import OPCODE_BINARY, OPCODE_TEXT, RSV1_BIT
from wirespeed._codec.deflate import EMPTY_LAST, Deflater
from wirespeed._codec.inflate import TAIL
from wirespeed._codec.zlib_backend import Backend

ALWAYS = Deflate(threshold=0)
MESSAGES = st.lists(st.binary(max_size=300) | st.binary(max_size=20).map(lambda data: data * 40))
backends = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.__name__)


@backends
@settings(max_examples=60, deadline=None)
@given(
    messages=MESSAGES,
    deflate=st.builds(
        Deflate,
        client_max_window_bits=st.integers(8, 15),
        client_no_context_takeover=st.booleans(),
        level=st.integers(-1, 9),
        mem_level=st.integers(1, 9),
        threshold=st.just(0),
    ),
)
def test_round_trips(backend: Backend, messages: list[bytes], deflate: Deflate) -> None:
    alone = deflate.client_no_context_takeover
    deflater = Deflater(deflate, backend=backend)
    stream = zlib.decompressobj(-15)
    for message in messages:
        opcode, payload = deflater.message(OPCODE_BINARY, message, None)
        assert opcode == OPCODE_BINARY | RSV1_BIT
        if alone:
            stream = zlib.decompressobj(-15)
        assert stream.decompress(bytes(payload) + TAIL) == message  # type: ignore[arg-type]


@backends
@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("bits", [8, 9, 10])
def test_no_reference_goes_back_beyond_the_window(backend: Backend, bits: int, level: int) -> None:
    """`zlib` has no window of 2^8 bytes here. The one of 2^9 must never be used in full."""
    deflate = Deflate(client_max_window_bits=bits, level=level, threshold=0)
    deflater = Deflater(deflate, backend=backend)
    # Every distance from 1 to 600 is worth a reference.
    noise = bytes(value * 167 % 251 for value in range(4000))
    data = b"".join(noise[at : at + gap] + noise[at : at + 40] for at, gap in enumerate(range(600)))
    payloads = [deflater.message(OPCODE_BINARY, data[at:][:999], None)[1] for at in (0, 5000, 9999)]
    stream = b"".join(bytes(payload) + TAIL for payload in payloads)  # type: ignore[arg-type]
    found = inflate_strictly(stream)
    assert found.data == b"".join(data[at:][:999] for at in (0, 5000, 9999))
    assert found.longest_distance <= 1 << bits


@pytest.mark.parametrize(
    ("opcode", "payload", "compress", "compressed"),
    [
        (OPCODE_TEXT, "x" * 127, None, False),
        (OPCODE_TEXT, "x" * 128, None, True),
        (OPCODE_TEXT, "x" * 127, True, True),
        (OPCODE_TEXT, "x" * 128, False, False),
        (OPCODE_TEXT, "", True, True),
        (OPCODE_BINARY, b"x" * 128, None, True),
        (OPCODE_BINARY, bytearray(127), None, False),
        (OPCODE_BINARY, memoryview(bytes(256)).cast("H"), None, True),
        (OPCODE_BINARY, memoryview(bytes(256))[::2], None, True),
    ],
)
def test_what_is_compressed(opcode: int, payload: Any, compress: Any, compressed: bool) -> None:
    sent, data = Deflater(Deflate()).message(opcode, payload, compress)
    assert sent == (opcode | RSV1_BIT if compressed else opcode)
    if compressed:
        plain = payload.encode() if isinstance(payload, str) else memoryview(payload).tobytes()
        inflated = zlib.decompressobj(-15).decompress(bytes(data) + TAIL)  # type: ignore[arg-type]
        assert inflated == plain
    else:
        assert data is payload


@pytest.mark.parametrize(
    ("opcode", "payload", "error"),
    [
        (OPCODE_TEXT, b"\xff" * 200, ValueError),
        (OPCODE_TEXT, "\ud800" * 200, UnicodeEncodeError),
        (OPCODE_TEXT, b"\xe2\x82", ValueError),
        (OPCODE_BINARY, 5, TypeError),
        (OPCODE_BINARY, None, TypeError),
    ],
)
def test_what_cannot_be_sent_leaves_the_context_alone(
    opcode: int, payload: Any, error: type[Exception]
) -> None:
    deflater, other = Deflater(ALWAYS), Deflater(ALWAYS)
    for each in (deflater, other):
        each.message(OPCODE_TEXT, "once upon a time", None)
    with pytest.raises(error):
        deflater.message(opcode, payload, True)
    text = "once upon a time there was"
    assert deflater.message(OPCODE_TEXT, text, None) == other.message(OPCODE_TEXT, text, None)


@given(st.lists(st.binary(max_size=50), min_size=1))
def test_fragments_are_one_message(parts: list[bytes]) -> None:
    opcode, payloads = Deflater(ALWAYS).fragments(OPCODE_BINARY, parts, None)
    assert opcode == OPCODE_BINARY | RSV1_BIT
    assert len(payloads) == len(parts)
    inflated = zlib.decompressobj(-15).decompress(b"".join(payloads) + TAIL)
    assert inflated == b"".join(parts)


def test_the_threshold_is_for_all_fragments_together() -> None:
    assert (
        Deflater(Deflate()).fragments(OPCODE_TEXT, [b"a" * 64, b"a" * 63], None)[0] == OPCODE_TEXT
    )
    assert Deflater(Deflate()).fragments(OPCODE_TEXT, [b"a" * 64] * 2, None)[0] != OPCODE_TEXT
    assert Deflater(ALWAYS).fragments(OPCODE_TEXT, [], True) == (OPCODE_TEXT, [])


@backends
@settings(max_examples=60, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=4), alone=st.booleans())
def test_a_message_by_and_by(backend: Backend, messages: list[list[bytes]], alone: bool) -> None:
    deflate = Deflate(client_no_context_takeover=alone, threshold=0)
    deflater = Deflater(deflate, backend=backend)
    stream = zlib.decompressobj(-15)
    for parts in messages:
        fragment = deflater.begin(b"", None)
        assert fragment is not None
        if alone:
            stream = zlib.decompressobj(-15)
        # Each part can be inflated before the next is there.
        assert [stream.decompress(fragment(part)) for part in parts] == parts
        assert stream.decompress(EMPTY_LAST + TAIL) == b""
        opcode, payload = deflater.message(OPCODE_BINARY, b"between", None)
        assert opcode & RSV1_BIT
        if alone:
            stream = zlib.decompressobj(-15)
        assert stream.decompress(bytes(payload) + TAIL) == b"between"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "compress", "compressed"),
    [(127, None, False), (128, None, True), (0, True, True), (500, False, False)],
)
def test_the_first_fragment_decides(first: int, compress: Any, compressed: bool) -> None:
    assert (Deflater(Deflate()).begin(bytes(first), compress) is not None) == compressed
