"""Compressed messages through both codecs with either backend: ordinary, odd and invalid ones."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
import reference
from deflating import BACKENDS, TAIL, deflate, deflate_finally
from hypothesis import given, settings, strategies as st
from twins.driving import Codec, Peer

from wirespeed._base.rfc6455 import Binary, frame_header
from wirespeed._codec.inflate import (
    SPARE_FINAL_BLOCKS,
    STEP_BYTES,
    Inflater,
    wire_limit,
)

MIB = 1024 * 1024
ONE_BYTE = [1]
WHOLE = [1 << 30]
CHUNKS: list[list[int]] = [ONE_BYTE, [7, 2, 64], [4096], WHOLE]
RSV1 = 0x40
TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9

backends = pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.__name__)
chunks = pytest.mark.parametrize("sizes", CHUNKS, ids=["1", "few", "4096", "whole"])


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    header = bytearray(frame_header(opcode & 0xF, len(payload), fin=fin))
    header[0] |= opcode & 0x70
    return bytes(header) + payload


def split(opcode: int, payload: bytes, *ends: int) -> bytes:
    """Build the frames of a message that is compressed as a whole, cut at `ends`."""
    cuts = [0, *ends, len(payload)]
    return b"".join(
        frame(CONTINUATION if at else opcode, payload[cuts[at] : cuts[at + 1]], fin=at == len(ends))
        for at in range(len(cuts) - 1)
    )


def parse(
    codec: Codec,
    data: bytes,
    sizes: Sequence[int] = WHOLE,
    *,
    limit: int | None = None,
    backend: Any = zlib,
    keeps_context: bool = True,
    masked: bool = False,
    decode_text: bool = True,
) -> reference.Outcome:
    parser = codec.MessageParser(max_message_size=limit, masked=masked, decode_text=decode_text)
    parser.accept_compressed(Inflater(15, keeps_context=keeps_context, backend=backend))
    return Peer(parser).receive(data, sizes)


def failure(outcome: reference.Outcome) -> tuple[int, str]:
    assert outcome.error is not None
    return outcome.error[1:]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[str | bytes], bool]:
    """Draw a stream, the messages in it, and whether they share their context."""
    keeps_context = draw(st.booleans())
    stream = zlib.compressobj(draw(st.integers(0, 9)), zlib.DEFLATED, -draw(st.integers(9, 15)))
    fresh = stream.copy()
    data, messages = b"", []
    for message in draw(
        st.lists(st.text() | st.binary() | st.binary(max_size=5).map(lambda part: part * 9000))
    ):
        messages.append(message)
        payload = message.encode() if isinstance(message, str) else message
        opcode = TEXT if isinstance(message, str) else BINARY
        if draw(st.booleans()):
            if not keeps_context:
                stream = fresh.copy()
            payload = (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
            opcode |= RSV1
        ends = draw(st.lists(st.integers(0, len(payload)), max_size=3))
        if payload and ends and draw(st.booleans()):
            data += frame(PING, b"in between")
        data += split(opcode, payload, *sorted(ends))
    return data, messages, keeps_context


@backends
@settings(max_examples=80, deadline=None)
@given(
    conversation=conversations(),
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=5),
)
def test_any_conversation_in_any_chunks(
    codec: Codec,
    backend: Any,
    conversation: tuple[bytes, list[str | bytes], bool],
    sizes: list[int],
) -> None:
    data, messages, keeps_context = conversation
    outcome = parse(codec, data, sizes, backend=backend, keeps_context=keeps_context)
    assert outcome.error is None
    assert outcome.messages == messages


@backends
@chunks
def test_text_as_bytes(codec: Codec, backend: Any, sizes: list[int]) -> None:
    data = frame(TEXT | RSV1, deflate(b"text")) + frame(BINARY | RSV1, deflate(b"data")) * 2
    data += frame(TEXT | RSV1, deflate("\N{SNOWMAN}".encode() * 20))
    outcome = parse(codec, data, sizes, backend=backend, decode_text=False)
    messages: list[Any] = outcome.messages
    assert messages[0] == b"text"
    assert [type(message) for message in messages] == [bytes, Binary, Binary, bytes]
    assert [message.data for message in messages[1:3]] == [b"data", b"data"]
    assert messages[3].decode() == "\N{SNOWMAN}" * 20


@chunks
def test_masked_frames(codec: Codec, sizes: list[int]) -> None:
    text = "what a client sends " * 3000
    key = b"\x01\x80\x7f\xfe"
    payload = codec.apply_mask(deflate(text.encode(), level=0), key)
    header = bytearray(frame_header(TEXT, len(payload)))
    header[0] |= RSV1
    header[1] |= 0x80
    outcome = parse(codec, bytes(header) + key + payload, sizes, masked=True)
    assert (outcome.messages, outcome.error) == ([text], None)


CONTINUED = (
    "rsv1 is set on a continuation frame, the first frame alone may have it (RFC 7692 section 6.1)"
)


@pytest.mark.parametrize(
    ("frames", "code", "text"),
    [
        (
            frame(TEXT | RSV1, deflate(b"abc")[:2], fin=False) + frame(CONTINUATION | RSV1, b""),
            1002,
            CONTINUED,
        ),
        (
            frame(TEXT, b"a", fin=False) + frame(CONTINUATION | RSV1, b"\x00"),
            1002,
            CONTINUED,
        ),
        *(
            (
                frame(opcode | RSV1, b""),
                1002,
                "rsv1 is set on a control frame (RFC 7692 section 6.1)",
            )
            for opcode in (8, 9, 10)
        ),
        *(
            (
                frame(TEXT | bits, deflate(b"abc")),
                1002,
                f"reserved bits are set: {names}, no extension uses them (RFC 6455 section 5.2)",
            )
            for bits, names in (
                (0x20, "rsv2"),
                (0x60, "rsv2"),
                (0x50, "rsv3"),
                (0x70, "rsv2, rsv3"),
            )
        ),
        (frame(3 | RSV1, b""), 1002, "opcode 0x3 is reserved (RFC 6455 section 5.2)"),
        *(
            (
                frame(TEXT | RSV1, payload),
                1007,
                "compressed message is corrupt (RFC 7692 section 7.2.2)",
            )
            for payload in (
                b"\xff",
                b"\x07",
                b"\x00\x01\x00\x00\x00",
                # This refers to data that was never sent.
                deflate(b"0123456789" * 9, history=b"0123456789"),
                # After a final block follows the remainder of an empty block.
                deflate_finally(b"Hello")[:-1] + b"\x06",
            )
        ),
        *(
            (frames, 1007, "compressed message is incomplete (RFC 7692 section 7.2.1)")
            for frames in (
                frame(TEXT | RSV1, b""),
                split(TEXT | RSV1, b"", 0, 0),
                frame(TEXT | RSV1, deflate_finally(b"Hello")[:-1]),
            )
        ),
        (
            frame(TEXT | RSV1, deflate(b"good, \xff")),
            1007,
            "text message is not valid UTF-8 (RFC 6455 section 8.1)",
        ),
        (
            frame(TEXT | RSV1, deflate(b"good, \xe2\x82")),
            1007,
            "text message is not valid UTF-8 (RFC 6455 section 8.1)",
        ),
    ],
)
@pytest.mark.parametrize("before", [b"", frame(BINARY | RSV1, deflate(b"a"))], ids=["first", "2nd"])
@backends
@chunks
def test_faults(
    codec: Codec,
    backend: Any,
    *,
    frames: bytes,
    code: int,
    text: str,
    before: bytes,
    sizes: list[int],
) -> None:
    outcome = parse(codec, before + frames, sizes, backend=backend)
    assert failure(outcome) == (code, text)
    assert outcome.messages == ([b"a"] if before else [])


@chunks
def test_without_agreement_rsv1_is_a_fault(codec: Codec, sizes: list[int]) -> None:
    outcome = Peer(codec.MessageParser()).receive(frame(TEXT | RSV1, deflate(b"a")), sizes)
    assert failure(outcome) == (
        1002,
        "reserved bits are set: rsv1, no extension uses them (RFC 6455 section 5.2)",
    )


@backends
@chunks
@pytest.mark.parametrize("cut", range(1, 20))
def test_a_message_that_is_cut_off(codec: Codec, backend: Any, sizes: list[int], cut: int) -> None:
    """Without context takeover, the end of the message must be the end of a block."""
    payload = deflate(bytes(range(40)), level=9)[:-cut]
    outcome = parse(
        codec, frame(BINARY | RSV1, payload), sizes, backend=backend, keeps_context=False
    )
    assert outcome.messages == []
    assert failure(outcome)[0] == 1007


@backends
@chunks
def test_the_first_bad_byte_fails_a_fragmented_message(
    codec: Codec, backend: Any, sizes: list[int]
) -> None:
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    start = stream.compress(b"fine, \xff" + b"x" * 100) + stream.flush(zlib.Z_SYNC_FLUSH)
    data = frame(TEXT | RSV1, start, fin=False)
    outcome = parse(codec, data, sizes, backend=backend)
    assert failure(outcome)[1] == "text message is not valid UTF-8 (RFC 6455 section 8.1)"


@backends
@chunks
@pytest.mark.parametrize("keeps_context", [True, False])
def test_final_blocks(codec: Codec, backend: Any, sizes: list[int], keeps_context: bool) -> None:
    """References reach back over final blocks, in one message and between messages."""
    history = b"what was said before "
    later = deflate(history * 2, history=history)
    first = deflate_finally(history)
    data = frame(TEXT | RSV1, first)
    expected = [history.decode()]
    if keeps_context:
        data += frame(TEXT | RSV1, later)
        expected.append(history.decode() * 2)
    # A final block, and then more blocks of the same message.
    data += frame(TEXT | RSV1, first[:-1] + later)
    data += frame(TEXT | RSV1, first[:-1] + first[:-1] + deflate(b"end"))
    expected += [history.decode() * 3, history.decode() * 2 + "end"]
    outcome = parse(codec, data, sizes, backend=backend, keeps_context=keeps_context)
    assert outcome.error is None
    assert outcome.messages == expected


@backends
@chunks
def test_what_is_far_behind_a_final_block_is_still_there(
    codec: Codec, backend: Any, sizes: list[int]
) -> None:
    noise = bytes(value * value % 251 for value in range(20_000))
    later = deflate(noise[:5000], history=noise)
    assert len(later) < 200
    data = frame(BINARY | RSV1, deflate_finally(noise)) + frame(BINARY | RSV1, later)
    outcome = parse(codec, data, sizes, backend=backend)
    assert outcome.messages == [noise, noise[:5000]]


@backends
@chunks
def test_blocks_that_hold_nothing(codec: Codec, backend: Any, sizes: list[int]) -> None:
    """Empty stored blocks, empty final blocks, and messages that consist only of these."""
    nothing = (b"\x00", b"\x00\x00\x00\xff\xff" * 50 + b"\x00", b"\x03\x00" * 50 + b"\x00")
    data = b"".join(frame(TEXT | RSV1, payload) for payload in nothing)
    outcome = parse(codec, data + frame(TEXT | RSV1, deflate(b"x")), sizes, backend=backend)
    assert (outcome.messages, outcome.error) == (["", "", "", "x"], None)


EMPTY_FINAL_BLOCK = b"\x03\x00"
TOO_MANY_FINAL_BLOCKS = (
    1007,
    (
        "compressed messages have too many final blocks, limit is one a frame and one every 256"
        " bytes, and 1024 more on a connection (RFC 7692 section 7.2.3.4)"
    ),
)
# What one message may have on a new connection: 1 for its frame, and 8 for its 2 KiB.
ALLOWED = SPARE_FINAL_BLOCKS + 1 + 8


@backends
@chunks
@pytest.mark.parametrize("keeps_context", [True, False])
def test_final_blocks_have_a_budget(
    codec: Codec, backend: Any, sizes: list[int], keeps_context: bool
) -> None:
    spent = frame(BINARY | RSV1, EMPTY_FINAL_BLOCK * ALLOWED + b"\x00")
    one_each = frame(BINARY | RSV1, deflate_finally(b"a")) * 50
    fragments = split(BINARY | RSV1, EMPTY_FINAL_BLOCK * 50 + b"\x00", *range(2, 100, 2))
    stored = b"\x00\xfe\x00\x01\xff" + bytes(254)
    long = frame(BINARY | RSV1, (stored + EMPTY_FINAL_BLOCK) * 20 + b"\x00")
    more = frame(BINARY | RSV1, EMPTY_FINAL_BLOCK * 2 + b"\x00")
    outcome = parse(
        codec,
        spent + one_each + fragments + long + more,
        sizes,
        backend=backend,
        keeps_context=keeps_context,
    )
    assert failure(outcome) == TOO_MANY_FINAL_BLOCKS
    assert outcome.messages == [b"", *[b"a"] * 50, b"", bytes(254 * 20)]


def bomb(size: int, level: int) -> bytes:
    """Compress `size` zeros: 1000 to 1, or not at all at level 0."""
    return deflate(bytes(size), level=level)


@backends
@pytest.mark.parametrize("sizes", [[4096], WHOLE], ids=["4096", "whole"])
@pytest.mark.parametrize("level", [9, 0], ids=["deflated", "stored"])
@pytest.mark.parametrize("parts", [1, 5])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("limit", [0, 1, 5000, STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, MIB])
def test_the_limit_is_exact(
    codec: Codec,
    backend: Any,
    *,
    sizes: list[int],
    level: int,
    parts: int,
    opcode: int,
    limit: int,
) -> None:
    for size in (max(limit - 1, 0), limit, limit + 1):
        payload = bomb(size, level)
        ends = [len(payload) * part // parts for part in range(1, parts)]
        # After a first message, small messages are inflated in another way.
        data = frame(TEXT | RSV1, b"\x00") + split(opcode | RSV1, payload, *ends)
        outcome = parse(codec, data, sizes, limit=limit, backend=backend)
        if size <= limit:
            assert outcome.error is None
            assert [len(message) for message in outcome.messages] == [0, size]
        else:
            assert failure(outcome) == (
                1009,
                f"message is at least {limit + 1} bytes, limit is {limit} (max_message_size)",
            )


@backends
@pytest.mark.parametrize("parts", [1, 50])
def test_a_bomb_takes_no_more_than_the_limit_and_a_step(
    codec: Codec, backend: Any, parts: int
) -> None:
    payload = bomb(200 * MIB, 9)
    ends = [len(payload) * part // parts for part in range(1, parts)]
    data = split(BINARY | RSV1, payload, *ends)
    parser = codec.MessageParser(max_message_size=4 * MIB)
    parser.accept_compressed(Inflater(15, keeps_context=True, backend=backend))
    tracemalloc.start()
    try:
        outcome = Peer(parser).receive(data, [64 * 1024])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert failure(outcome)[0] == 1009
    # A `bytearray` grows by an eighth more than it needs, and may be moved while it grows.
    assert peak < 9.5 * MIB


@backends
@chunks
def test_the_wire_has_a_limit_of_its_own(codec: Codec, backend: Any, sizes: list[int]) -> None:
    limit = 1000
    assert wire_limit(limit) == 2164
    text = (
        "compressed message is at least {} bytes before inflating, limit is 2164"
        " where 1000 inflated ones are allowed (max_message_size)"
    )
    # The announced length is enough: none of the payload needs to have arrived.
    lying = frame(BINARY | RSV1, bytes(2165))[:4]
    assert failure(parse(codec, lying, sizes, limit=limit, backend=backend)) == (
        1009,
        text.format(2165),
    )
    # Empty blocks without end.
    nothing = b"\x00\x00\x00\xff\xff" * 100
    endless = frame(BINARY | RSV1, nothing, fin=False) + frame(CONTINUATION, nothing, fin=False) * 9
    assert failure(parse(codec, endless, sizes, limit=limit, backend=backend)) == (
        1009,
        text.format(2500),
    )
    # A message fits even if each of its bytes is in a separate stored block.
    dull = frame(BINARY | RSV1, b"\x00\x01\x00\xfe\xffx" * 300 + b"\x00")
    outcome = parse(codec, dull, sizes, limit=limit, backend=backend)
    assert outcome.messages == [b"x" * 300]


def test_a_limit_does_not_count_what_is_not_compressed_twice(codec: Codec) -> None:
    data = frame(BINARY, bytes(1000)) + frame(BINARY | RSV1, bomb(1000, 0)) + frame(BINARY, b"")
    outcome = parse(codec, data, limit=1000)
    assert [len(message) for message in outcome.messages] == [1000, 1000, 0]
    assert failure(parse(codec, frame(BINARY, bytes(1001)), limit=1000))[0] == 1009


def test_the_builder_marks_what_is_compressed(codec: Codec) -> None:
    builder = codec.FrameBuilder()
    builder.append(TEXT | RSV1, deflate(b"\xc3"))
    with pytest.raises(ValueError, match=r"or 64 to 79 with RSV1, not 32$"):
        builder.append(0x20, b"")
    taken = builder.take()
    assert taken[0] == 0x80 | RSV1 | TEXT
    with pytest.raises(ValueError, match=r"or 64 to 79 with RSV1, not 145$"):
        builder.frame(0x91, b"")


def test_the_tail_is_what_the_rfc_says() -> None:
    """The message of RFC 7692 section 7.2.3.1 inflates with the tail appended."""
    stream = zlib.decompressobj(-15)
    assert stream.decompress(bytes.fromhex("f248cdc9c90700") + TAIL) == b"Hello"
