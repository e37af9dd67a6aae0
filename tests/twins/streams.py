"""Streams to parse: random ones from a seed, and ways to damage them.

The oracle, not this module, decides what each stream means.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import reference

from wirespeed._base.rfc6455 import (
    OPCODE_BINARY,
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
)

ALPHABET = "aZ0 \n\x00\x7f\x80é\u07ff\u0800中\ud7ff\ue000\uffff\U00010000😀\U0010ffff"
LENGTHS = (0, 1, 2, 3, 7, 16, 31, 64, 124, 125, 126, 127, 128, 200, 1000)


def random_payload(rng: random.Random, opcode: int) -> bytes:
    """Make a payload that is valid for the opcode."""
    length = rng.choice(LENGTHS)
    if opcode == OPCODE_BINARY:
        return rng.randbytes(length)
    letters = ALPHABET if rng.random() < 0.5 else "abc"
    return "".join(rng.choices(letters, k=length)).encode()


def random_message(rng: random.Random, *, masked: bool) -> Iterator[bytes]:
    """Make the frames of one message, with control frames among its fragments."""
    opcode = rng.choice((OPCODE_TEXT, OPCODE_BINARY))
    payload = random_payload(rng, opcode)
    cuts = sorted(rng.randrange(len(payload) + 1) for _ in range(rng.choice((0, 0, 0, 1, 4))))
    pieces = [payload[start:stop] for start, stop in pairwise([0, *cuts, len(payload)])]
    for number, piece in enumerate(pieces):
        yield reference.frame(
            OPCODE_CONTINUATION if number else opcode,
            piece,
            fin=number == len(pieces) - 1,
            key=random_key(rng, masked=masked),
        )
        if rng.random() < 0.2:
            yield reference.frame(
                rng.choice((OPCODE_PING, OPCODE_PONG)),
                rng.randbytes(rng.choice((0, 4, 125))),
                key=random_key(rng, masked=masked),
            )


def random_key(rng: random.Random, *, masked: bool) -> bytes | None:
    """Draw a masking key if `masked` is set."""
    return rng.randbytes(4) if masked else None


def random_stream(rng: random.Random, *, masked: bool = False) -> bytes:
    """Make a few messages. Half of the streams end with a Close frame and some bytes after it."""
    frames = [
        frame for _ in range(rng.randrange(1, 6)) for frame in random_message(rng, masked=masked)
    ]
    if rng.random() < 0.5:
        reason = rng.choice(("", "bye", "päüse", "x" * 123)).encode()
        code = rng.choice((1000, 1001, 1011, 3000, 4999)).to_bytes(2, "big")
        payload = rng.choice((b"", code + reason))
        frames.append(reference.frame(OPCODE_CLOSE, payload, key=random_key(rng, masked=masked)))
        frames.append(rng.randbytes(5))
    return b"".join(frames)


def spoil(rng: random.Random, data: bytes) -> bytes:
    """Change, drop, insert or double a few bytes."""
    spoiled = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(spoiled) + 1)
        match rng.randrange(4):
            case 0:
                spoiled[place : place + 1] = rng.randbytes(1)
            case 1:
                del spoiled[place : place + rng.choice((1, 2, 8))]
            case 2:
                spoiled[place:place] = rng.randbytes(rng.choice((1, 2)))
            case _:
                spoiled[place:place] = spoiled[place : place + 6]
    return bytes(spoiled)


def random_sizes(rng: random.Random) -> list[int]:
    """Draw the sizes of a series of reads."""
    largest = rng.choice((1, 3, 10, 100, 1000))
    return [rng.randint(1, largest) for _ in range(20)]
