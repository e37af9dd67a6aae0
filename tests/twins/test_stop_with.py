"""`stop_with` returns any value from a hand-written awaitable, unchanged."""

from __future__ import annotations

import pytest
from twins.driving import Codec

VALUES: list[object] = [
    None,
    0,
    "text",
    b"bytes",
    [1],
    (),
    (1,),
    (1, 2),
    ((1, 2),),
    ValueError("an exception as a value"),
    StopIteration(5),
    StopIteration((1, 2)),
    StopIteration,
    KeyError,
    object,
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_value_arrives(codec: Codec, value: object) -> None:
    with pytest.raises(StopIteration) as caught:
        codec.stop_with(object(), value)
    assert caught.value.value is value
    assert caught.value is not value
    assert type(caught.value) is StopIteration
