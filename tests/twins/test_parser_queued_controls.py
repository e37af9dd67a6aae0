"""Pings and Pongs that keep their place between the messages."""

from __future__ import annotations

from typing import Any

import pytest
import reference
from rawserver import BINARY, PING, PONG, TEXT
from twins.driving import Codec

from wirespeed._base.rfc6455 import Binary, Control

STREAM = b"".join(
    (
        reference.frame(TEXT, b"a"),
        reference.frame(PING, b"?"),
        reference.frame(TEXT, b"b", fin=False),
        reference.frame(PONG, b"!"),
        reference.frame(0, b"c"),
        reference.frame(BINARY, b"d"),
        reference.frame(PING, b""),
    )
)


def shown(entry: Any) -> Any:
    """Convert an entry into a value that can be compared."""
    if isinstance(entry, Control):
        assert len(entry) == len(entry.payload)
        return (entry.opcode, entry.payload)
    return [entry.data] if isinstance(entry, Binary) else entry


@pytest.mark.parametrize("step", [1, 3, len(STREAM)])
@pytest.mark.parametrize("decode_text", [True, False])
def test_controls_in_their_place(codec: Codec, step: int, decode_text: bool) -> None:
    parser = codec.MessageParser(decode_text=decode_text)
    assert parser.queues_controls is False
    parser.queues_controls = True
    queue: list[Any] = []
    for start in range(0, len(STREAM), step):
        parser.feed(STREAM[start : start + step], queue)
    messages = ["a", "bc", b"d"] if decode_text else [b"a", b"bc", [b"d"]]
    first, second, third = messages
    assert [shown(entry) for entry in queue] == [
        first,
        (PING, b"?"),
        (PONG, b"!"),
        second,
        third,
        (PING, b""),
    ]
    # `controls` has Pongs too: they answer Pings and must be recorded.
    assert parser.controls == [(PONG, b"!")]
