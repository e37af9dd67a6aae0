"""Parsing frames to messages, a whole socket read at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wirespeed._base.rfc6455 import OPCODE_BINARY, OPCODE_TEXT, frame_header

if TYPE_CHECKING:
    from benchmarks.conftest import Measure, Twin
    from wirespeed._codec.contract import MessageParser

READ_BYTES = 256 * 1024
OPCODES = {"text": OPCODE_TEXT, "binary": OPCODE_BINARY}
SIZES = {
    "16 B": 16,
    "64 B": 64,
    "125 B": 125,
    "126 B": 126,
    "1 KiB": 1 << 10,
    "64 KiB": 1 << 16,
    "1 MiB": 1 << 20,
}


@pytest.mark.parametrize("opcode", OPCODES.values(), ids=OPCODES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_parse(measure: Measure, twin: Twin, size: int, opcode: int) -> None:
    frame = frame_header(opcode, size) + b"a" * size
    count = max(1, READ_BYTES // len(frame))
    data = frame * count
    parser: MessageParser = twin.codec.MessageParser()

    def feed() -> None:
        parser.feed(data, [])

    measure(feed, messages=count, data_bytes=len(data))


@pytest.mark.parametrize("opcode", OPCODES.values(), ids=OPCODES)
@pytest.mark.parametrize("size", [pytest.param(1 << 20, id="1 MiB")])
def test_parse_in_reads(measure: Measure, twin: Twin, size: int, opcode: int) -> None:
    """A message that takes several reads, written to the parser's buffer where it has one."""
    frame = memoryview(frame_header(opcode, size) + b"a" * size)
    shared = bytearray(READ_BYTES)
    parser: MessageParser = twin.codec.MessageParser()

    def receive() -> None:
        messages: list[str | bytes] = []
        position = 0
        while position < len(frame):
            memory = parser.get_buffer()
            target = memoryview(shared) if memory is None else memory
            piece = frame[position : position + min(len(target), READ_BYTES)]
            target[: len(piece)] = piece
            if memory is None:
                parser.feed(shared, messages, len(piece))
            else:
                parser.buffer_updated(len(piece), messages)
            position += len(piece)
        assert len(messages) == 1

    measure(receive, messages=1, data_bytes=len(frame))
