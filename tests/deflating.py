"""Deflated streams for the tests, and a slow, obvious way to inflate them.

Does not use the package under test.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, NamedTuple

from zlib_ng import zlib_ng

BACKENDS: Final[list[Any]] = [zlib, zlib_ng]
TAIL: Final = b"\x00\x00\xff\xff"

_LENGTH_BASE: Final = [
    *(*range(3, 11), 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99),
    *(115, 131, 163, 195, 227, 258),
]
_LENGTH_EXTRA: Final = [*[0] * 8, *[1] * 4, *[2] * 4, *[3] * 4, *[4] * 4, *[5] * 4, 0]
_DISTANCE_EXTRA: Final = [max(0, code // 2 - 1) for code in range(30)]
_CODE_LENGTH_ORDER: Final = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]


def deflate(data: bytes, *, level: int = 6, history: bytes = b"") -> bytes:
    """Compress one message into a payload; `history` is the data that came before it."""
    stream = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, history)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def deflate_finally(data: bytes) -> bytes:
    """Compress one message with a final block (RFC 7692 section 7.2.3.4)."""
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush(zlib.Z_FINISH) + b"\x00"


class Inflated(NamedTuple):
    """The data of a stream, and the longest distance that it refers back."""

    data: bytes
    longest_distance: int


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> int:
        value = 0
        for index in range(count):
            value |= (self.data[self.at >> 3] >> (self.at & 7) & 1) << index
            self.at += 1
        return value

    def symbol(self, codes: dict[tuple[int, int], int]) -> int:
        code = length = 0
        while (length, code) not in codes:
            code = code << 1 | self.take(1)
            length += 1
        return codes[length, code]


def _codes(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Assign the codes for these code lengths (RFC 1951 section 3.2.2)."""
    codes: dict[tuple[int, int], int] = {}
    code = 0
    for length in range(1, 16):
        code <<= 1
        for symbol, its in enumerate(lengths):
            if its == length:
                codes[length, code] = symbol
                code += 1
    return codes


def _dynamic_codes(bits: _Bits) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    literals, distances, used = bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4
    of_lengths = [0] * 19
    for symbol in _CODE_LENGTH_ORDER[:used]:
        of_lengths[symbol] = bits.take(3)
    codes = _codes(of_lengths)
    lengths: list[int] = []
    while len(lengths) < literals + distances:
        symbol = bits.symbol(codes)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += [lengths[-1]] * (3 + bits.take(2))
        else:
            lengths += [0] * (3 + bits.take(3) if symbol == 17 else 11 + bits.take(7))
    return _codes(lengths[:literals]), _codes(lengths[literals:])


def inflate_strictly(stream: bytes) -> Inflated:
    """Inflate a whole stream by the rules of RFC 1951."""
    bits = _Bits(stream)
    found = bytearray()
    longest = 0
    while bits.at < 8 * len(stream):
        bits.take(1)
        kind = bits.take(2)
        if kind == 0:
            bits.at = (bits.at + 7) // 8 * 8
            size, _ = bits.take(16), bits.take(16)
            start = bits.at // 8
            found += stream[start : start + size]
            bits.at += 8 * size
            continue
        if kind == 1:
            literals = _codes([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8)
            distances = _codes([5] * 30)
        else:
            literals, distances = _dynamic_codes(bits)
        while (symbol := bits.symbol(literals)) != 256:
            if symbol < 256:
                found.append(symbol)
                continue
            length = _LENGTH_BASE[symbol - 257] + bits.take(_LENGTH_EXTRA[symbol - 257])
            code = bits.symbol(distances)
            extra = _DISTANCE_EXTRA[code]
            base = code + 1 if code < 4 else ((2 + code % 2) << extra) + 1
            distance = base + bits.take(extra)
            longest = max(longest, distance)
            for _ in range(length):
                found.append(found[-distance])
    return Inflated(bytes(found), longest)
