"""The market ticks of the demo: valid frames, consecutive numbers, realistic sizes."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from wirespeed._cli.demo.ticks import BLOCK_TICKS, blocks


def numbers(data: bytes) -> list[int]:
    return [json.loads(text)["n"] for text in texts(data)]


def texts(data: bytes) -> list[str]:
    found = []
    start = 0
    while start < len(data):
        # Each tick is a whole text message in one unmasked frame with the shortest header.
        assert (data[start], data[start + 1] < 126) == (0x81, True)
        end = start + 2 + data[start + 1]
        found.append(data[start + 2 : end].decode())
        start = end
    assert start == len(data)
    return found


@pytest.mark.parametrize("count", [1, 9, 10, 999, 1000, 1001, 9999, 10_001, 101_000])
def test_ticks_are_numbered_from_0(count: int) -> None:
    made = list(blocks(count))
    assert sum(size for size, _ in made) == count
    assert numbers(b"".join(data for _, data in made)) == list(range(count))


def test_each_block_tells_how_many_ticks_it_holds() -> None:
    assert [(size, len(texts(data))) for size, data in blocks(BLOCK_TICKS + 7)] == [
        (BLOCK_TICKS, BLOCK_TICKS),
        (7, 7),
    ]


def test_without_a_count_there_is_no_end() -> None:
    made = [data for _, data in islice(blocks(), 12)]
    assert numbers(b"".join(made)) == list(range(12 * BLOCK_TICKS))


def test_a_tick_is_what_a_market_feed_sends() -> None:
    for text in texts(b"".join(data for _, data in blocks(12_345))):
        tick = json.loads(text)
        assert list(tick) == ["s", "p", "q", "t", "n"]
        assert float(tick["p"]) > 0
        assert float(tick["q"]) >= 0
        assert text.endswith(f'"n":{tick["n"]}}}')
        assert " " not in text
        assert 60 <= len(text) <= 110
