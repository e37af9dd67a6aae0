"""The payload of a Close frame: both codecs against the slow one, and the frame that answers it."""

from __future__ import annotations

import reference
from channel.scripted import Wire, client_frames
from rawserver import CLOSE
from twins.driving import parse

from fuzz.codecs import CODECS
from fuzz.loop import run
from fuzz.source import Source


def one_input(data: bytes) -> None:
    """Parse one Close frame, then let a connection answer it."""
    source = Source(data)
    size = 1 + source.below(8)
    payload = source.take(125)
    stream = reference.frame(CLOSE, payload)
    expected = reference.parse(stream)
    for codec in CODECS:
        assert parse(codec, stream, [size]) == expected
    run(_answer(stream, expected))


async def _answer(stream: bytes, expected: reference.Outcome) -> None:
    wire = Wire(ping_interval=None)
    wire.feed(stream)
    ((opcode, answer),) = client_frames(wire.written())
    assert opcode == CLOSE
    sent = reference.parse(reference.frame(CLOSE, answer))
    assert sent.error is None
    info = wire.connection.close_info
    assert info is not None
    if expected.close is None:
        assert expected.error is not None
        assert sent.close is not None
        assert sent.close[0] == expected.error[1]
    else:
        assert (wire.connection.close_code, wire.connection.close_reason) == expected.close
    wire.lose()
    await wire.connection.wait_closed()
