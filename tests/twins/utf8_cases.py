"""Byte sequences at the boundaries of UTF-8, for text messages and for `Utf8Validator`.

The tests take the verdict on each sequence from the oracle.
"""

from __future__ import annotations

from itertools import product

# First bytes at the edges of each row of RFC 3629 section 4, and continuation bytes at the edges of
# each range that such a row allows.
FIRSTS = (
    *(0x00, 0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF),
    *(0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFC, 0xFE, 0xFF),
)
SECONDS = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
OTHERS = (0x7F, 0x80, 0xBF, 0xC0)

ALL_OF_ONE_BYTE = [bytes([first]) for first in range(256)]
ALL_OF_TWO_BYTES = [bytes(pair) for pair in product(range(256), repeat=2)]
EDGES_OF_THREE_BYTES = [bytes(case) for case in product(FIRSTS, SECONDS, OTHERS)]
EDGES_OF_FOUR_BYTES = [bytes(case) for case in product(FIRSTS, SECONDS, OTHERS, OTHERS)]

# Vectors take 16, 32, 64 or 128 bytes at once. Each case is also put before and after that many.
SURROUNDINGS = (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129)
