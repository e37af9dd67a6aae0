"""Building masked frames from messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wirespeed._base.rfc6455 import OPCODE_BINARY, OPCODE_TEXT

if TYPE_CHECKING:
    from benchmarks.conftest import Measure, Twin
    from wirespeed._codec.contract import FrameBuilder

PAYLOADS = {"text": (OPCODE_TEXT, "a"), "binary": (OPCODE_BINARY, b"a")}
SIZES = {
    "16 B": 16,
    "64 B": 64,
    "125 B": 125,
    "126 B": 126,
    "1 KiB": 1 << 10,
    "64 KiB": 1 << 16,
    "1 MiB": 1 << 20,
}
# How many bytes are gathered before they are written.
GATHERED_BYTES = 64 * 1024

payloads = pytest.mark.parametrize(("opcode", "letter"), PAYLOADS.values(), ids=PAYLOADS)
sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


@payloads
@sizes
def test_frame(measure: Measure, twin: Twin, size: int, opcode: int, letter: str | bytes) -> None:
    """One frame in its own memory."""
    builder: FrameBuilder = twin.codec.FrameBuilder()
    measure(builder.frame, opcode, letter * size, messages=1, data_bytes=size)


@payloads
@sizes
def test_append_and_take(
    measure: Measure, twin: Twin, size: int, opcode: int, letter: str | bytes
) -> None:
    """Frames that are gathered and sent together."""
    builder: FrameBuilder = twin.codec.FrameBuilder()
    payload = letter * size
    count = max(1, GATHERED_BYTES // size)

    def gather() -> None:
        append = builder.append
        for _ in range(count):
            append(opcode, payload)
        builder.take()

    measure(gather, messages=count, data_bytes=count * size)


def test_append_and_take_one(measure: Measure, twin: Twin) -> None:
    """A frame that is sent alone, like the first one in an iteration of the event loop."""
    builder: FrameBuilder = twin.codec.FrameBuilder()
    payload = "a" * 64

    def send() -> None:
        builder.append(OPCODE_TEXT, payload)
        builder.take()

    measure(send, messages=1, data_bytes=len(payload))
