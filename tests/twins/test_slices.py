"""What one `feed` may take is bounded; whatever the bounds, the messages are the same."""

from __future__ import annotations

from typing import Any

import pytest
import reference
from deflating import deflate, deflate_finally
from twins.driving import Codec

from wirespeed._base.rfc6455 import Binary, frame_header
from wirespeed._codec.contract import MessageParser
from wirespeed._codec.inflate import STEP_BYTES, Inflater
from wirespeed.exceptions import ProtocolError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1 = 0x40
BOMB = deflate(bytes(10 * STEP_BYTES), level=9)


def compressed(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    header = bytearray(frame_header(opcode, len(payload), fin=fin))
    header[0] |= RSV1
    return bytes(header) + payload


STREAM = b"".join(
    (
        *(reference.frame(TEXT, b"%d" % number) for number in range(40)),
        reference.frame(TEXT, b"long " * 50),
        reference.frame(BINARY, b"") * 20,
        reference.frame(BINARY, b"a", fin=False),
        reference.frame(PING, b"between"),
        *(reference.frame(CONTINUATION, b"b", fin=False) for _ in range(20)),
        reference.frame(CONTINUATION, b"c"),
        *(compressed(TEXT, deflate(b"tick")) for _ in range(20)),
        compressed(BINARY, BOMB) * 2,
        compressed(BINARY, BOMB[:100], fin=False),
        reference.frame(PONG, b"within"),
        reference.frame(CONTINUATION, BOMB[100:], fin=False),
        reference.frame(CONTINUATION, b""),
        compressed(TEXT, deflate_finally(b"final")),
        compressed(TEXT, deflate(b"after it")),
        compressed(BINARY, BOMB),
        reference.frame(TEXT, b"end"),
    )
)
ENDS = {
    "no end": b"",
    "close": reference.frame(CLOSE, b"\x03\xe8bye") + b"ignored",
    "fault": reference.frame(3, b""),
    "corrupt": compressed(TEXT, b"\xff\xff"),
}


class Seen:
    """What a parser returned, and what the largest `feed` took."""

    def __init__(self, parser: MessageParser) -> None:
        self.parser = parser
        self.messages: list[Any] = []
        self.error = ""
        self.most_frames = 0
        self.feeds = 0

    def feed(self, data: bytes) -> None:
        """Feed `data` as often as it takes."""
        left = len(data)
        while left >= 0:
            before = self.parser.frames
            try:
                self.parser.feed(data[len(data) - left :], self.messages)
            except ProtocolError as exc:
                self.error = str(exc)
            self.feeds += 1
            self.most_frames = max(self.most_frames, self.parser.frames - before)
            left = self.parser.unparsed

    def outcome(self) -> tuple[Any, ...]:
        parser = self.parser
        counts = parser.frames, parser.payload_bytes, parser.pings, parser.pongs
        messages = [
            ("binary", message.data) if isinstance(message, Binary) else message
            for message in self.messages
        ]
        return messages, self.error, parser.controls, parser.close, counts


def parser_of(codec: Codec, **options: Any) -> MessageParser:
    parser = codec.MessageParser(**options)
    parser.accept_compressed(Inflater(15, keeps_context=True))
    return parser


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("read", [1 << 20, 1000, 7])
@pytest.mark.parametrize("frames", [1, 2, 7, 1000])
@pytest.mark.parametrize("size", [1, STEP_BYTES + 1, 1 << 30])
@pytest.mark.parametrize("decode_text", [True, False])
def test_any_slices_give_the_same(
    codec: Codec, *, end: bytes, read: int, frames: int, size: int, decode_text: bool
) -> None:
    whole = Seen(parser_of(codec, decode_text=decode_text))
    whole.feed(STREAM + end)
    assert whole.feeds == 1
    assert len(whole.messages) == 40 + 1 + 20 + 1 + 20 + 2 + 1 + 4
    parser = parser_of(codec, decode_text=decode_text)
    parser.slice_frames = frames
    parser.slice_bytes = size
    sliced = Seen(parser)
    for start in range(0, len(STREAM + end), read):
        sliced.feed((STREAM + end)[start : start + read])
    assert sliced.outcome() == whole.outcome()
    assert sliced.most_frames <= frames


def test_inflating_stops_and_goes_on(codec: Codec) -> None:
    parser = parser_of(codec)
    parser.slice_bytes = 2 * STEP_BYTES
    messages: list[Any] = []
    # The first message is never taken by the shorter way.
    parser.feed(compressed(TEXT, deflate(b"first")), messages)
    for _ in range(2):
        data = compressed(BINARY, BOMB) + reference.frame(TEXT, b"next")
        filled = []
        while True:
            parser.feed(data, messages)
            filled.append(parser.filled)
            if parser.unparsed < 0:
                break
            data = data[len(data) - parser.unparsed :]
        assert filled == [2 * STEP_BYTES * step for step in range(1, 6)] + [0]
    assert [len(message) for message in messages] == [5, *[10 * STEP_BYTES, 4] * 2]
