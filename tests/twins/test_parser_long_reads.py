"""Reads with hundreds of messages, and something unusual anywhere among them.

A parser may have a faster path for ordinary messages. It must not change the results.
"""

from __future__ import annotations

import random

import pytest
import reference
from twins.driving import Codec, parse

MESSAGES = 400
TEXT, BINARY, PING = 1, 2, 9

UNUSUAL = {
    "nothing": b"",
    "a Ping": reference.frame(PING, b"ping"),
    "a message of 126 bytes": reference.frame(TEXT, b"a" * 126),
    "a message of 64 KiB": reference.frame(BINARY, b"a" * 65536),
    "a fragmented message": reference.frame(TEXT, b"a", fin=False) + reference.frame(0, b"b"),
    "a message over the limit": reference.frame(TEXT, b"a" * 70_000),
    "a text that is not UTF-8": reference.frame(TEXT, b"abc\xff"),
    "a surrogate": reference.frame(TEXT, b"\xed\xa0\x80"),
    "an unknown opcode": reference.frame(3, b"a"),
    "a reserved bit": bytes([0xC1, 1]) + b"a",
    "a masked frame": reference.frame(TEXT, b"abc", key=b"abcd"),
    "a length that is not minimal": bytes([0x81, 126, 0, 5]) + b"abcde",
    "a Close frame": reference.frame(8, b"\x03\xe8bye"),
}


def short_messages(rng: random.Random) -> list[bytes]:
    """Make frames of short messages, of every length that fits the shortest header."""
    letters = "ab", "aé😀"
    return [
        reference.frame(
            TEXT, "".join(rng.choices(rng.choice(letters), k=rng.randrange(32))).encode()
        )
        if rng.random() < 0.5
        else reference.frame(BINARY, rng.randbytes(rng.randrange(126)))
        for _ in range(MESSAGES)
    ]


@pytest.mark.parametrize("sizes", [None, [5000], [4096], [4095, 4097], [1000, 30_000]])
@pytest.mark.parametrize("unusual", UNUSUAL)
def test_hundreds_of_messages(codec: Codec, unusual: str, sizes: list[int] | None) -> None:
    rng = random.Random(f"{unusual} {sizes}")
    frames = short_messages(rng)
    for _ in range(3):
        frames.insert(rng.randrange(1, len(frames)), UNUSUAL[unusual])
    stream = b"".join(frames)
    expected = reference.parse(stream, max_message_size=65536)
    assert expected.messages
    assert parse(codec, stream, sizes, max_message_size=65536) == expected


@pytest.mark.parametrize("limit", [0, 1, 16, 125])
def test_the_limit_among_short_messages(codec: Codec, limit: int) -> None:
    within = [reference.frame(TEXT, b"a" * (number % (limit + 1))) for number in range(MESSAGES)]
    stream = b"".join([*within, reference.frame(TEXT, b"a" * (limit + 1)), *within])
    expected = reference.parse(stream, max_message_size=limit)
    assert len(expected.messages) == MESSAGES
    assert expected.error is not None
    assert parse(codec, stream, max_message_size=limit) == expected
