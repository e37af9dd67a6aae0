"""Masking keys that nobody can foretell: their source, threads, and statistics.

Each statistic fails by chance in less than one of 10^9 runs.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from typing import Final

import pytest
from twins.driving import Codec

KEYS: Final = 65_536
# The number of keys in a block.
BLOCK_KEYS: Final = 256
THREADS: Final = 4


def drawn(codec: Codec, count: int) -> list[bytes]:
    """Return the keys of `count` frames."""
    builder = codec.FrameBuilder()
    return [builder.frame(2, b"")[2:6] for _ in range(count)]


def test_keys_are_those_of_the_operating_system(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[bytes] = []
    urandom = os.urandom

    def recording(size: int) -> bytes:
        blocks.append(urandom(size))
        return blocks[-1]

    monkeypatch.setattr(os, "urandom", recording)
    keys: list[bytes] = []
    # A thread makes its block when it needs one.
    thread = threading.Thread(target=lambda: keys.extend(drawn(codec, 3 * BLOCK_KEYS)))
    thread.start()
    thread.join()
    assert len(blocks) == 3
    assert b"".join(keys) == b"".join(blocks)


def test_threads_share_no_keys(codec: Codec) -> None:
    of_threads: list[list[bytes]] = []
    start = threading.Barrier(THREADS)

    def draw() -> None:
        start.wait()
        of_threads.append(drawn(codec, 10 * BLOCK_KEYS))

    threads = [threading.Thread(target=draw) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [key for of_thread in of_threads for key in of_thread]
    assert len(keys) == THREADS * 10 * BLOCK_KEYS
    # 0.01 pairs are equal by chance; a shared block would make hundreds.
    assert len(set(keys)) >= len(keys) - 4


def test_keys_look_random(codec: Codec) -> None:
    keys = drawn(codec, KEYS)
    # 0.5 pairs are equal by chance.
    assert len(set(keys)) >= KEYS - 15
    for place in range(4):
        counts = Counter(key[place] for key in keys)
        expected = KEYS / 256
        # 255 degrees of freedom: 255 is the mean, 23 the standard deviation.
        chi_squared = sum((counts[byte] - expected) ** 2 for byte in range(256)) / expected
        assert 120 < chi_squared < 436, f"byte {place}: {chi_squared}"
    # Each bit of a key equals that of the key before in half of the cases; 128 is the deviation.
    numbers = [int.from_bytes(key, "big") for key in keys]
    changes = [last ^ number for last, number in itertools.pairwise(numbers)]
    for bit in range(32):
        changed = sum(change >> bit & 1 for change in changes)
        assert abs(changed - KEYS / 2) < 7 * 128, f"bit {bit}: {changed}"
