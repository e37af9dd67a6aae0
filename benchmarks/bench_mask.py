"""Masking: XOR with the masking key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from benchmarks.conftest import Measure, Twin

SIZES = {
    "16 B": 16,
    "64 B": 64,
    "256 B": 256,
    "1 KiB": 1 << 10,
    "16 KiB": 1 << 14,
    "128 KiB": 1 << 17,
    "1 MiB": 1 << 20,
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_mask(measure: Measure, twin: Twin, size: int) -> None:
    measure(twin.codec.apply_mask, bytes(size), b"\x01\x80\xfe\x7f", data_bytes=size)
