"""Headers: every start, every boundary of the length, and the order of the checks.

Most of these frames never get a payload.
"""

from __future__ import annotations

from functools import cache

import pytest
import reference
from twins.driving import Codec, parse

from wirespeed.exceptions import ProtocolError

TEXT_BEGUN = reference.frame(1, b"a", fin=False)
BINARY_BEGUN = reference.frame(2, b"a", fin=False)
LENGTHS = (
    *(0, 1, 124, 125, 126, 127, 128, 255, 256),
    *(2**16 - 1, 2**16, 2**16 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32),
    *(2**62, 2**63 - 2, 2**63 - 1, 2**63, 2**64 - 1),
)


@cache
def expected_of_starts(before: bytes, masked: bool) -> list[reference.Outcome]:
    """Return the oracle's outcome for each of the 65536 two-byte starts."""
    return [
        reference.parse(before + start.to_bytes(2, "big"), masked=masked)
        for start in range(1 << 16)
    ]


@pytest.mark.parametrize(
    ("before", "masked"),
    [(b"", False), (b"", True), (TEXT_BEGUN, False), (BINARY_BEGUN, False)],
    ids=["first", "first masked", "inside text", "inside binary"],
)
def test_every_start_of_a_header(codec: Codec, before: bytes, masked: bool) -> None:
    for start, expected in enumerate(expected_of_starts(before, masked)):
        parser = codec.MessageParser(masked=masked)
        outcome = reference.Outcome()
        try:
            parser.feed(before + start.to_bytes(2, "big"), outcome.messages)
        except ProtocolError as fault:
            outcome.fail(fault)
        outcome.controls = parser.controls
        outcome.close = parser.close
        assert outcome == expected, f"{start:04x}"


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("length_bytes", [0, 2, 8])
@pytest.mark.parametrize("opcode", [0, 1, 2, 8, 9, 10])
def test_a_header_alone(codec: Codec, opcode: int, length_bytes: int, length: int) -> None:
    if length > {0: 125, 2: 2**16 - 1, 8: 2**64 - 1}[length_bytes]:
        length %= 126
    head = reference.header(opcode, length, length_bytes=length_bytes)
    for before in (b"", TEXT_BEGUN, BINARY_BEGUN):
        for limit in (None, 2**63 - 1, 2**16, 125, 0):
            stream = before + head
            expected = reference.parse(stream, max_message_size=limit)
            assert parse(codec, stream, max_message_size=limit) == expected
            assert parse(codec, stream, [1], max_message_size=limit) == expected


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("length_bytes", [0, 2, 8])
def test_a_masked_header_is_judged_before_its_key(
    codec: Codec, length_bytes: int, length: int
) -> None:
    if length > {0: 125, 2: 2**16 - 1, 8: 2**64 - 1}[length_bytes]:
        length %= 126
    stream = reference.header(2, length, length_bytes=length_bytes, masked=True)
    expected = reference.parse(stream, masked=True, max_message_size=2**16)
    for sizes in (None, [1]):
        assert parse(codec, stream, sizes, masked=True, max_message_size=2**16) == expected


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("opcode", [1, 2])
def test_whole_messages_of_boundary_lengths(codec: Codec, opcode: int, length: int) -> None:
    payload = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    stream = reference.frame(opcode, payload) * 3
    message = payload.decode() if opcode == 1 else payload
    for sizes in (None, [7 if length < 1000 else 4099], [100_000], [length + 1], [length + 5]):
        outcome = parse(codec, stream, sizes)
        assert outcome.error is None
        assert outcome.messages == [message] * 3


@pytest.mark.parametrize("length", [0x8101, 0x8200, 0x8205, 0x0182_0000, 0x8201_0000])
def test_a_length_that_looks_like_a_frame(codec: Codec, length: int) -> None:
    # If the header is split, its rest looks like a whole message.
    head = reference.header(2, length)
    for cut in range(1, len(head)):
        parser = codec.MessageParser(max_message_size=None)
        messages: list[str | bytes] = []
        parser.feed(head[:cut], messages)
        parser.feed(head[cut:] + b"abcdefgh", messages)
        assert messages == []
    if length < 0x10000:
        payload = bytes(length)
        for cut in range(1, len(head)):
            assert parse(codec, head + payload, [cut, length]).messages == [payload]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_masked_messages_of_boundary_lengths(codec: Codec, length: int) -> None:
    payload = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    stream = reference.frame(2, payload, key=b"\x01\x80\xfe\x10") * 2
    for sizes in (None, [4099], [length + 3]):
        outcome = parse(codec, stream, sizes, masked=True)
        assert outcome == reference.Outcome(messages=[payload] * 2)


# Each stream breaks the rule on its own line, and as many of the rules below as it can.
FIRST_OF_MANY_FAULTS = [
    (b"\x7f\x80", "reserved bits are set: rsv1, rsv2, rsv3, no extension uses them"),
    (b"\x43\x80", "reserved bits are set: rsv1, no extension uses them"),
    (b"\x2f\x80", "reserved bits are set: rsv2, no extension uses them"),
    (b"\x90\x80", "reserved bits are set: rsv3, no extension uses them"),
    (b"\x0b\xff", "opcode 0xb is reserved (RFC 6455 section 5.2)"),
    (b"\x03\xff", "opcode 0x3 is reserved (RFC 6455 section 5.2)"),
    (b"\x08\xff", "frame from the server is masked (RFC 6455 section 5.1)"),
    (b"\x00\xfe", "frame from the server is masked (RFC 6455 section 5.1)"),
    (b"\x08\x7f", "control frame is fragmented (RFC 6455 section 5.5)"),
    (b"\x00\x7f", "continuation frame without a message to continue (RFC 6455 section 5.4)"),
    (
        TEXT_BEGUN + b"\x82\x7f",
        (
            "frame with opcode 0x2 inside a fragmented message,"
            " a continuation was expected (RFC 6455 section 5.4)"
        ),
    ),
    (
        b"\x89\x7f" + b"\xff" * 8,
        (
            "payload length 18446744073709551615 has its most significant bit set"
            " (RFC 6455 section 5.2)"
        ),
    ),
    (
        b"\x89\x7f" + (65535).to_bytes(8, "big"),
        (
            "payload length 65535 is coded in 8 bytes,"
            " the shortest form is required (RFC 6455 section 5.2)"
        ),
    ),
    (
        b"\x82\x7e" + (125).to_bytes(2, "big"),
        (
            "payload length 125 is coded in 2 bytes,"
            " the shortest form is required (RFC 6455 section 5.2)"
        ),
    ),
    (
        b"\x89\x7e" + (126).to_bytes(2, "big"),
        "control frame payload is 126 bytes, limit is 125 (RFC 6455 section 5.5)",
    ),
    (b"\x81\x0b", "message is at least 11 bytes, limit is 10 (max_message_size)"),
    (TEXT_BEGUN + b"\x80\x0a", "message is at least 11 bytes, limit is 10 (max_message_size)"),
]


@pytest.mark.parametrize(("stream", "text"), FIRST_OF_MANY_FAULTS)
def test_the_first_of_many_faults_is_named(codec: Codec, stream: bytes, text: str) -> None:
    for sizes in (None, [1]):
        outcome = parse(codec, stream, sizes, max_message_size=10)
        assert outcome.error is not None
        assert outcome.error[2].startswith(text)


def test_an_unmasked_frame_from_a_client(codec: Codec) -> None:
    outcome = parse(codec, b"\x08\x7f", masked=True)
    text = "frame from the client is not masked (RFC 6455 section 5.1)"
    assert outcome.error == ("ProtocolError", 1002, text)
