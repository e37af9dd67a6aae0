"""With `decode_text=False`, the same messages arrive as bytes whose type is still known.

The decoded outcome is the oracle.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
import reference
from rawserver import BINARY, CONTINUATION, TEXT
from twins.driving import Codec, Peer, parse
from twins.streams import random_sizes, random_stream, spoil

from wirespeed._base.rfc6455 import Binary

Marked = list[tuple[str, bytes]]


def undecoded(codec: Codec, data: bytes, sizes: Iterable[int] | None = None) -> reference.Outcome:
    parser = codec.MessageParser(max_message_size=None, decode_text=False)
    return Peer(parser).receive(data, sizes or [max(1, len(data))])


def marked(outcome: reference.Outcome) -> Marked:
    """Return each message with the name of its type."""
    items: Marked = []
    for message in outcome.messages:
        if isinstance(message, Binary):
            items.append(("binary", message.data))
        else:
            assert isinstance(message, bytes)
            items.append(("text", message))
    return items


def expected(outcome: reference.Outcome) -> Marked:
    return [
        ("text", message.encode()) if isinstance(message, str) else ("binary", message)
        for message in outcome.messages
    ]


@pytest.mark.parametrize("seed", range(150))
def test_the_same_messages_and_faults(codec: Codec, seed: int) -> None:
    rng = random.Random(seed)
    data = random_stream(rng)
    if seed % 3 == 0:
        data = spoil(rng, data)
    sizes = random_sizes(rng)
    decoded, bare = parse(codec, data, sizes), undecoded(codec, data, sizes)
    assert marked(bare) == expected(decoded)
    assert (bare.error, bare.controls, bare.close) == (
        decoded.error,
        decoded.controls,
        decoded.close,
    )


LARGE = b"x" * 300_000


@pytest.mark.parametrize("payload", [b"", b"a", b"a" * 64, b"a" * 65, "€".encode() * 100, LARGE])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fragments", [1, 2])
@pytest.mark.parametrize("read", [1, 7, 65536])
def test_every_way_to_assemble(
    codec: Codec, payload: bytes, opcode: int, fragments: int, read: int
) -> None:
    if read < 65536 and len(payload) > 1000:
        payload = payload[:1000]
    middle = len(payload) // 2 if fragments == 2 else len(payload)
    data = reference.frame(opcode, payload[:middle], fin=fragments == 1)
    if fragments == 2:
        data += reference.frame(CONTINUATION, payload[middle:])
    kind = "text" if opcode == TEXT else "binary"
    assert marked(undecoded(codec, data, [read])) == [(kind, payload)]


@pytest.mark.parametrize(
    "payload", [b"\xff", b"a" * 100 + b"\xc3", b"\xed\xa0\x80", b"a" * 70_000 + b"\x80"]
)
def test_text_is_checked(codec: Codec, payload: bytes) -> None:
    data = reference.frame(TEXT, b"good") + reference.frame(TEXT, payload)
    decoded, bare = parse(codec, data), undecoded(codec, data)
    assert marked(bare) == [("text", b"good")]
    assert bare.error is not None
    assert bare.error == decoded.error
