"""`FrameBuilder` byte for byte: with known entropy, every frame equals the oracle's."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
import reference
from hypothesis import given, settings, strategies as st
from twins.buffers import BYTES_LIKE, NOT_BYTES_LIKE
from twins.driving import Codec

from wirespeed._base.rfc6455 import MASKING_KEY_BLOCK_BYTES

LENGTHS = (*range(70), 124, 125, 126, 127, 128, 255, 256, 1000, 8192, 65535, 65536, 65537, 200_003)


class KnownEntropy:
    """An entropy source with known keys, which counts its calls."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._foreseen = random.Random(seed)
        self.draws = 0

    def __call__(self, size: int) -> bytes:
        """Return a block."""
        assert size == MASKING_KEY_BLOCK_BYTES
        self.draws += 1
        return self._rng.randbytes(size)

    def keys(self) -> Iterator[bytes]:
        """Yield the keys that a builder must use, in order."""
        while True:
            block = self._foreseen.randbytes(MASKING_KEY_BLOCK_BYTES)
            yield from (block[start : start + 4] for start in range(0, len(block), 4))


@pytest.mark.parametrize("length", LENGTHS)
def test_frames_of_every_length(codec: Codec, length: int) -> None:
    entropy = KnownEntropy(length)
    keys = entropy.keys()
    builder = codec.FrameBuilder(entropy=entropy)
    payload = random.Random(length).randbytes(length)
    alone = builder.frame(2, payload)
    assert alone == reference.frame(2, payload, key=next(keys))
    assert type(alone) is bytes
    gathered = b""
    for _ in range(3):
        gathered += reference.frame(2, payload, key=next(keys))
        assert builder.append(2, payload) == len(gathered)
    assert len(builder) == len(gathered)
    assert builder.take() == gathered


def test_what_is_built_is_what_a_server_reads(codec: Codec) -> None:
    builder = codec.FrameBuilder()
    builder.append(1, "text é")
    builder.append(9, b"ping")
    builder.append(2, b"\xff" * 70_000, fin=False)
    builder.append(10, b"pong")
    builder.append(0, "end")
    builder.append(8, b"\x03\xe8bye")
    expected = reference.Outcome(
        messages=["text é", b"\xff" * 70_000 + b"end"],
        controls=[(9, b"ping"), (10, b"pong")],
        close=(1000, "bye"),
    )
    assert reference.parse(builder.take(), masked=True) == expected


@settings(deadline=None)
@given(
    frames=st.lists(
        st.tuples(
            st.integers(0, 15),
            st.text(max_size=30) | st.text(max_size=300).map(str.encode),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_frames_of_any_kind(codec: Codec, frames: list[tuple[int, str | bytes, bool]]) -> None:
    entropy = KnownEntropy()
    builder = codec.FrameBuilder(entropy=entropy)
    expected = b""
    for (opcode, payload, fin), key in zip(frames, entropy.keys(), strict=False):
        raw = payload.encode() if isinstance(payload, str) else payload
        expected += reference.frame(opcode, raw, fin=fin, key=key)
        assert builder.append(opcode, payload, fin) == len(expected)
    assert builder.take() == expected


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("opcode", range(16))
def test_first_byte(codec: Codec, opcode: int, fin: bool) -> None:
    builder = codec.FrameBuilder()
    first = opcode | (0x80 if fin else 0)
    assert builder.frame(opcode, b"a", fin)[0] == first
    assert builder.frame(opcode, b"a", fin=fin)[0] == first
    builder.append(opcode, b"a", fin)
    assert builder.take()[0] == first
    assert builder.frame(opcode, b"a")[0] == opcode | 0x80


def test_keys_are_consecutive_slices_of_blocks(codec: Codec) -> None:
    entropy = KnownEntropy()
    keys = entropy.keys()
    builder = codec.FrameBuilder(entropy=entropy)
    for number in range(600):
        key = next(keys)
        if number % 3:
            assert builder.frame(2, b"ab") == reference.frame(2, b"ab", key=key)
        else:
            builder.append(2, b"ab")
            assert builder.take() == reference.frame(2, b"ab", key=key)
        assert entropy.draws == number // 256 + 1


def test_taking(codec: Codec) -> None:
    builder = codec.FrameBuilder(entropy=bytes)
    assert len(builder) == 0
    assert builder.take() == b""
    builder.append(2, b"first")
    first = builder.take()
    assert len(builder) == 0
    assert builder.append(2, b"another") == 13
    assert type(first) is bytes
    assert first == b"\x82\x85\0\0\0\0first"
    assert builder.take() == b"\x82\x87\0\0\0\0another"
    assert builder.take() == b""


def test_many_frames_gather(codec: Codec) -> None:
    builder = codec.FrameBuilder(entropy=bytes)
    for number in range(20_000):
        builder.append(2, b"%08d" % number)
    assert len(builder) == 20_000 * 14
    gathered = builder.take()
    assert gathered == b"".join(b"\x82\x88\0\0\0\0%08d" % number for number in range(20_000))
    assert len(builder) == 0


def test_a_frame_apart_does_not_touch_what_is_gathered(codec: Codec) -> None:
    builder = codec.FrameBuilder(entropy=bytes)
    builder.append(2, b"gathered")
    assert builder.frame(9, b"apart") == b"\x89\x85\0\0\0\0apart"
    assert len(builder) == 14
    assert builder.take() == b"\x82\x88\0\0\0\0gathered"


@pytest.mark.parametrize("kind", BYTES_LIKE)
@pytest.mark.parametrize("opcode", [1, 2, 9])
def test_kinds_of_payload(codec: Codec, opcode: int, kind: str) -> None:
    raw = "aé中😀!!".encode()
    assert len(raw) % 4 == 0
    expected = reference.frame(opcode, raw, key=bytes(4))
    builder = codec.FrameBuilder(entropy=bytes)
    with BYTES_LIKE[kind](raw) as payload:
        assert builder.frame(opcode, payload) == expected
        builder.append(opcode, payload)
        if isinstance(payload, bytearray):
            payload.clear()
    assert builder.take() == expected


class SubclassOfStr(str):
    """A subclass of `str`."""


@pytest.mark.parametrize("text", ["", "a", "é", "中", "😀", "a\x00b", "\ud7ff\ue000", "x" * 126])
@pytest.mark.parametrize("opcode", [0, 1, 2, 8, 9])
def test_text_is_sent_as_utf_8(codec: Codec, opcode: int, text: str) -> None:
    builder = codec.FrameBuilder(entropy=bytes)
    expected = reference.frame(opcode, text.encode(), key=bytes(4))
    assert builder.frame(opcode, text) == expected
    assert builder.frame(opcode, SubclassOfStr(text)) == expected


INVALID_TEXTS = [b"\xff", b"a\x80", b"\xc3", b"\xed\xa0\x80", b"x" * 200 + b"\xf4\x90\x80\x80"]


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("payload", INVALID_TEXTS)
def test_text_must_be_utf_8(codec: Codec, payload: bytes, fin: bool) -> None:
    builder = codec.FrameBuilder(entropy=bytes)
    for data in (payload, bytearray(payload), memoryview(payload)):
        for build in (builder.append, builder.frame):
            with pytest.raises(ValueError, match=r"^text payload is not valid UTF-8$") as caught:
                build(1, data, fin)
            assert type(caught.value) is ValueError
            assert caught.value.__context__ is None
    assert len(builder) == 0


@pytest.mark.parametrize("opcode", [0, 2, 8, 9, 10])
def test_only_text_must_be_utf_8(codec: Codec, opcode: int) -> None:
    for payload in INVALID_TEXTS:
        frame = codec.FrameBuilder(entropy=bytes).frame(opcode, payload)
        assert frame == reference.frame(opcode, payload, key=bytes(4))


@pytest.mark.parametrize("opcode", [0, 1, 2, 9])
@pytest.mark.parametrize("text", ["\ud800", "abc\udfff", "é\udc80x"])
def test_a_lone_surrogate_cannot_be_sent(codec: Codec, opcode: int, text: str) -> None:
    builder = codec.FrameBuilder()
    for build in (builder.append, builder.frame):
        with pytest.raises(UnicodeEncodeError):
            build(opcode, text)
    assert len(builder) == 0


@pytest.mark.parametrize(
    "payload", [wrong for wrong in NOT_BYTES_LIKE if not isinstance(wrong, str)], ids=repr
)
@pytest.mark.parametrize("opcode", [1, 2])
def test_what_is_no_payload(codec: Codec, opcode: int, payload: object) -> None:
    text = rf"^payload must be str or bytes-like, not {type(payload).__name__}$"
    builder = codec.FrameBuilder()
    for build in (builder.append, builder.frame):
        with pytest.raises(TypeError, match=text):
            build(opcode, payload)  # type: ignore[arg-type]
    assert len(builder) == 0


@pytest.mark.parametrize("opcode", [-1, 16, 17, 255, 256])
def test_an_opcode_is_four_bits(codec: Codec, opcode: int) -> None:
    builder = codec.FrameBuilder()
    for build in (builder.append, builder.frame):
        with pytest.raises(
            ValueError, match=rf"^opcode must be 0 to 15, or 64 to 79 with RSV1, not {opcode}$"
        ):
            build(opcode, b"")
    assert len(builder) == 0


@pytest.mark.parametrize("opcode", ["1", None, b"\x01"], ids=repr)
def test_an_opcode_that_is_no_number(codec: Codec, opcode: object) -> None:
    builder = codec.FrameBuilder()
    for build in (builder.append, builder.frame):
        with pytest.raises(TypeError):
            build(opcode, b"")  # type: ignore[arg-type]
    assert len(builder) == 0


def test_what_fails_adds_nothing_and_draws_no_key(codec: Codec) -> None:
    entropy = KnownEntropy()
    keys = entropy.keys()
    builder = codec.FrameBuilder(entropy=entropy)
    builder.append(2, b"one")
    wrong: list[tuple[int, object]] = [(1, b"\xff"), (1, "\ud800"), (2, 5), (16, b""), (2, None)]
    for opcode, payload in wrong:
        for build in (builder.append, builder.frame):
            with pytest.raises((TypeError, ValueError)):
                build(opcode, payload)  # type: ignore[arg-type]
    assert len(builder) == 9
    builder.append(2, b"two")
    expected = reference.frame(2, b"one", key=next(keys)) + reference.frame(
        2, b"two", key=next(keys)
    )
    assert builder.take() == expected


@pytest.mark.parametrize("length", [0, 3, 4, 1023, 1025])
def test_entropy_of_the_wrong_length(codec: Codec, length: int) -> None:
    builder = codec.FrameBuilder(entropy=lambda size: bytes(length))
    text = rf"^entropy source returned {length} bytes, 1024 were asked for$"
    for build in (builder.append, builder.frame):
        with pytest.raises(ValueError, match=text):
            build(2, b"payload")
    assert len(builder) == 0


@pytest.mark.parametrize("block", [None, "x" * 1024, bytearray(1024), [0] * 1024], ids=type)
def test_entropy_of_the_wrong_type(codec: Codec, block: object) -> None:
    builder = codec.FrameBuilder(entropy=lambda size: block)  # type: ignore[arg-type, return-value]
    for build in (builder.append, builder.frame):
        with pytest.raises(TypeError, match=r"^entropy source must return bytes, not "):
            build(2, b"payload")
    assert len(builder) == 0


def test_an_entropy_source_that_fails_now_and_then(codec: Codec) -> None:
    known = KnownEntropy()
    keys = known.keys()
    failing = True

    def entropy(size: int) -> bytes:
        if failing:
            raise OSError("no entropy")
        return known(size)

    builder = codec.FrameBuilder(entropy=entropy)
    with pytest.raises(OSError, match=r"^no entropy$"):
        builder.append(2, b"lost")
    failing = False
    for _ in range(256):
        builder.append(2, b"x")
        next(keys)
    failing = True
    with pytest.raises(OSError, match=r"^no entropy$"):
        builder.append(2, b"lost")
    assert len(builder) == 256 * 7
    failing = False
    builder.take()
    builder.append(2, b"kept")
    assert builder.take() == reference.frame(2, b"kept", key=next(keys))


def test_keys_come_from_the_operating_system(codec: Codec) -> None:
    # Two keys are equal by chance once in 2^26 runs.
    keys = {codec.FrameBuilder().frame(2, bytes(4))[2:6] for _ in range(10)}
    assert len(keys) == 10
    builder = codec.FrameBuilder(entropy=os.urandom)
    assert len({builder.frame(2, b"")[2:6] for _ in range(10)}) == 10


def test_options_have_names(codec: Codec) -> None:
    with pytest.raises(TypeError):
        codec.FrameBuilder(os.urandom)  # type: ignore[call-arg]
