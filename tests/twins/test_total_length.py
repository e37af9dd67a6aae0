"""`total_length` adds up the lengths in a queue, from any position."""

from __future__ import annotations

import pytest
from twins.driving import Codec

MESSAGES: list[str | bytes] = ["text", b"binary", "", "größer", b"", "\U0001f600"]


@pytest.mark.parametrize("start", range(len(MESSAGES) + 2))
def test_every_start(codec: Codec, start: int) -> None:
    assert codec.total_length(MESSAGES, start) == sum(len(item) for item in MESSAGES[start:])


def test_what_has_no_length_is_refused(codec: Codec) -> None:
    with pytest.raises(TypeError):
        codec.total_length([1], 0)
