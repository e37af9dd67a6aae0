"""Messages: fragments, control frames among them, the size limit, the closing handshake.

Every case is written out; nothing is random.
"""

from __future__ import annotations

import pytest
import reference
from twins.driving import Codec, Peer, parse

from wirespeed._base.rfc6455 import is_sendable_close_code
from wirespeed.exceptions import InvalidUtf8, MessageTooBig, ProtocolError

# RFC 6455 section 5.7: the frames that a server may send.
RFC_EXAMPLES = [
    ("81 05 48 65 6c 6c 6f", reference.Outcome(messages=["Hello"])),
    ("01 03 48 65 6c 80 02 6c 6f", reference.Outcome(messages=["Hello"])),
    ("89 05 48 65 6c 6c 6f", reference.Outcome(controls=[(9, b"Hello")])),
    ("82 7e 01 00" + " 61" * 256, reference.Outcome(messages=[b"a" * 256])),
    (
        "82 7f 00 00 00 00 00 01 00 00" + " 61" * 65536,
        reference.Outcome(messages=[b"a" * 65536]),
    ),
]


@pytest.mark.parametrize(("stream", "expected"), RFC_EXAMPLES, ids=range(5))
def test_examples_of_the_rfc(codec: Codec, stream: str, expected: reference.Outcome) -> None:
    data = bytes.fromhex(stream)
    assert reference.parse(data) == expected
    assert parse(codec, data) == expected
    assert parse(codec, data, [3]) == expected


def test_masked_example_of_the_rfc(codec: Codec) -> None:
    data = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert reference.parse(data, masked=True).messages == ["Hello"]
    assert parse(codec, data, masked=True).messages == ["Hello"]
    assert parse(codec, data, [1], masked=True).messages == ["Hello"]


def test_types_of_messages(codec: Codec) -> None:
    stream = reference.frame(1, b"") + reference.frame(2, b"") + reference.frame(2, b"x")
    stream += reference.frame(1, b"", fin=False) + reference.frame(0, b"")
    stream += reference.frame(2, b"", fin=False) + reference.frame(0, b"x")
    messages = parse(codec, stream).messages
    assert messages == ["", b"", b"x", "", b"x"]
    assert [type(message) for message in messages] == [str, bytes, bytes, str, bytes]


def test_types_of_controls_and_close(codec: Codec) -> None:
    parser = codec.MessageParser()
    assert parser.controls == []
    parser.feed(reference.frame(9, b"a") + reference.frame(10, b"") + b"\x88\x00", [])
    assert parser.controls == [(9, b"a"), (10, b"")]
    assert [type(part) for part in parser.controls[0]] == [int, bytes]
    assert parser.close is not None
    code, reason = parser.close
    assert (code, reason) == (1005, "")
    assert (type(code), type(reason)) == (int, str)
    assert codec.MessageParser().close is None


def test_controls_are_taken_by_putting_an_empty_list(codec: Codec) -> None:
    parser = codec.MessageParser()
    parser.feed(reference.frame(9, b"one") + reference.frame(9, b"two")[:3], [])
    taken, parser.controls = parser.controls, []
    parser.feed(reference.frame(9, b"two")[3:], [])
    assert taken == [(9, b"one")]
    assert parser.controls == [(9, b"two")]


@pytest.mark.parametrize("sizes", [None, [1], [64], [4099]])
@pytest.mark.parametrize("opcode", [1, 2])
def test_thousands_of_empty_fragments(codec: Codec, opcode: int, sizes: list[int] | None) -> None:
    stream = reference.frame(opcode, b"", fin=False)
    stream += reference.frame(0, b"", fin=False) * 5000
    stream += reference.frame(0, b"end")
    expected: str | bytes = "end" if opcode == 1 else b"end"
    assert parse(codec, stream, sizes) == reference.Outcome(messages=[expected])


@pytest.mark.parametrize("sizes", [None, [1], [5], [1000]])
def test_controls_between_fragments_keep_their_order(codec: Codec, sizes: list[int] | None) -> None:
    stream = reference.frame(1, "é".encode()[:1], fin=False)
    for number in range(200):
        stream += reference.frame(9 + number % 2, b"%d" % number)
        stream += reference.frame(0, "éé".encode()[1:3], fin=False)
    stream += reference.frame(0, "é".encode()[1:]) + reference.frame(2, b"next")
    outcome = parse(codec, stream, sizes)
    assert outcome.messages == ["é" * 201, b"next"]
    assert outcome.controls == [(9 + number % 2, b"%d" % number) for number in range(200)]


LIMITS = [0, 1, 10, 125, 126, 1000, 65535, 65536, 70000]


@pytest.mark.parametrize("excess", [-1, 0, 1])
@pytest.mark.parametrize("fragments", [1, 2, 5])
@pytest.mark.parametrize("limit", LIMITS)
def test_the_limit_is_inclusive(codec: Codec, limit: int, fragments: int, excess: int) -> None:
    payload = b"x" * max(0, limit + excess)
    step = max(1, -(-len(payload) // fragments))
    pieces = [payload[start : start + step] for start in range(0, len(payload), step)] or [b""]
    stream = b"".join(
        reference.frame(0 if number else 2, piece, fin=number == len(pieces) - 1)
        for number, piece in enumerate(pieces)
    )
    for sizes in (None, [997]):
        outcome = parse(codec, stream * 2, sizes, max_message_size=limit)
        if len(payload) > limit:
            text = f"message is at least {limit + 1} bytes, limit is {limit} (max_message_size)"
            assert outcome.error == (MessageTooBig.__name__, 1009, text)
            assert outcome.messages == []
        else:
            assert outcome == reference.Outcome(messages=[payload] * 2)


def test_the_limit_does_not_count_control_frames(codec: Codec) -> None:
    stream = reference.frame(1, b"", fin=False) + reference.frame(9, b"x" * 125)
    stream += reference.frame(0, b"") + reference.frame(8, b"\x03\xe8" + b"x" * 123)
    outcome = parse(codec, stream, max_message_size=0)
    assert outcome.error is None
    assert outcome.messages == [""]
    assert outcome.controls == [(9, b"x" * 125)]
    assert outcome.close == (1000, "x" * 123)


def test_the_limit_is_16_mib_unless_told_otherwise(codec: Codec) -> None:
    parser = codec.MessageParser()
    parser.feed(reference.header(2, 16 * 1024 * 1024), [])
    with pytest.raises(MessageTooBig, match=r"at least 16777217 bytes, limit is 16777216 \("):
        codec.MessageParser().feed(reference.header(2, 16 * 1024 * 1024 + 1), [])


def test_a_sum_that_needs_64_bits(codec: Codec) -> None:
    stream = reference.frame(2, b"x" * 10, fin=False) + reference.header(0, 2**63 - 1)
    text = f"message is at least {2**63 + 9} bytes, limit is {2**63 - 1} (max_message_size)"
    outcome = parse(codec, stream, max_message_size=2**63 - 1)
    assert outcome.error == ("MessageTooBig", 1009, text)


@pytest.mark.parametrize("limit", [None, 2**63, 2**64, 2**100])
def test_a_limit_that_no_length_can_reach_is_none(codec: Codec, limit: int | None) -> None:
    stream = reference.frame(2, b"x" * 10, fin=False) + reference.header(0, 2**63 - 1)
    assert parse(codec, stream + b"more", max_message_size=limit) == reference.Outcome()


def test_every_close_code(codec: Codec) -> None:
    for code in (*range(5001), 32768, 65535):
        stream = reference.frame(8, code.to_bytes(2, "big") + b"why")
        outcome = parse(codec, stream)
        if is_sendable_close_code(code):
            assert outcome == reference.Outcome(close=(code, "why"))
        else:
            text = f"close code {code} must not be sent (RFC 6455 section 7.4)"
            assert outcome == reference.Outcome(error=("ProtocolError", 1002, text))


CLOSE_PAYLOADS: list[tuple[bytes, tuple[int, str] | type[ProtocolError]]] = [
    (b"", (1005, "")),
    (b"\x03", ProtocolError),
    (b"\x03\xe8", (1000, "")),
    (b"\x03\xe8" + b"x" * 123, (1000, "x" * 123)),
    (b"\x03\xe8" + "ü😀".encode(), (1000, "ü😀")),
    (b"\x03\xe8\x00", (1000, "\x00")),
    (b"\x03\xe8\xff", InvalidUtf8),
    (b"\x03\xe8" + "ü".encode()[:1], InvalidUtf8),
    (b"\x03\xe8\xed\xa0\x80", InvalidUtf8),
    (b"\x03\xed\xff", ProtocolError),
]


@pytest.mark.parametrize(("payload", "expected"), CLOSE_PAYLOADS)
@pytest.mark.parametrize("sizes", [None, [1], [3]])
def test_close_payloads(
    codec: Codec,
    payload: bytes,
    expected: tuple[int, str] | type[ProtocolError],
    sizes: list[int] | None,
) -> None:
    stream = reference.frame(8, payload)
    outcome = parse(codec, stream, sizes)
    assert outcome == reference.parse(stream)
    if isinstance(expected, tuple):
        assert outcome == reference.Outcome(close=expected)
    else:
        assert outcome.error is not None
        assert outcome.error[0] == expected.__name__


def test_texts_of_close_faults(codec: Codec) -> None:
    assert parse(codec, b"\x88\x01\x03").error == (
        "ProtocolError",
        1002,
        "close frame payload is 1 byte, a close code takes 2 (RFC 6455 section 5.5.1)",
    )
    assert parse(codec, b"\x88\x03\x03\xe8\xff").error == (
        "InvalidUtf8",
        1007,
        "close reason is not valid UTF-8 (RFC 6455 section 5.5.1)",
    )


def test_a_close_frame_is_judged_when_it_is_complete(codec: Codec) -> None:
    peer = Peer(codec.MessageParser())
    assert peer.receive(b"\x88\x04\xff\xff\xff", [1]) == reference.Outcome()
    assert peer.receive(b"\xff", [1]).error == reference.parse(b"\x88\x04\xff\xff\xff\xff").error


@pytest.mark.parametrize("sizes", [None, [1], [5]])
@pytest.mark.parametrize("reason", [b"", b"bye", b"\x98\x80", "é".encode()])
def test_a_close_reason_is_apart_from_an_unfinished_text(
    codec: Codec, reason: bytes, sizes: list[int] | None
) -> None:
    stream = reference.frame(1, b"\xf0\x9f", fin=False) + reference.frame(8, b"\x03\xe8" + reason)
    outcome = parse(codec, stream, sizes)
    assert outcome == reference.parse(stream)
    assert (outcome.close is None) == (reason == b"\x98\x80")


@pytest.mark.parametrize("sizes", [None, [1]])
def test_everything_after_close_is_ignored(codec: Codec, sizes: list[int] | None) -> None:
    stream = reference.frame(2, b"before") + reference.frame(1, b"unfinished", fin=False)
    stream += reference.frame(8, b"\x03\xe9")
    after = reference.frame(2, b"after") + reference.frame(9, b"") + b"\xff" * 20
    outcome = parse(codec, stream + after, sizes)
    assert outcome == reference.Outcome(messages=[b"before"], close=(1001, ""))


@pytest.mark.parametrize("sizes", [None, [1]])
@pytest.mark.parametrize(
    "fault",
    [b"\xff\x00", b"\x81\x01\xff", b"\x82\x7e\x00\x01", b"\x88\x01x", b"\x82\x7e\xff\xff"],
)
def test_everything_after_a_fault_is_ignored(
    codec: Codec, fault: bytes, sizes: list[int] | None
) -> None:
    before = reference.frame(2, b"before") + reference.frame(9, b"ping")
    after = reference.frame(2, b"after") + reference.frame(9, b"") + reference.frame(8, b"")
    # The driver goes on feeding after the first error. A second error would fail the test.
    outcome = parse(codec, before + fault + after, sizes, max_message_size=1000)
    expected = reference.parse(before + fault, max_message_size=1000)
    assert expected.error is not None
    assert outcome == expected
