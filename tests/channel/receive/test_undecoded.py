"""With `decode_text=False` text is `bytes`, and every receive still treats it as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from channel.scripted import Wire, binary, text

import wirespeed
from wirespeed import Message, MessageType


def wire() -> Wire:
    return Wire(decode_text=False)


async def test_receive_tells_the_type() -> None:
    ends = wire()
    ends.feed(text("é") + binary(b"\xff"))
    assert await ends.connection.receive() == Message(MessageType.TEXT, "é".encode())
    assert ends.connection.receive_nowait() == Message(MessageType.BINARY, b"\xff")


async def test_typed_receives() -> None:
    ends = wire()
    ends.feed(text("a") + binary(b"b") + text("c"))
    with pytest.raises(wirespeed.MessageTypeError, match="is text"):
        await ends.connection.receive_bytes()
    received: Any = await ends.connection.receive_text()
    assert received == b"a"
    with pytest.raises(wirespeed.MessageTypeError, match="is binary"):
        await ends.connection.receive_text()
    assert await ends.connection.receive_bytes() == b"b"


async def test_json_gets_the_bytes() -> None:
    given: list[object] = []

    def loads(data: bytes) -> Any:
        given.append(data)
        return json.loads(data)

    ends = Wire(decode_text=False, loads=loads)
    ends.feed(text("[1]") + binary(b"[2]"))
    assert [await ends.connection.receive_json() for _ in range(2)] == [[1], [2]]
    assert given == [b"[1]", b"[2]"]


async def test_iteration_and_batches_give_bytes() -> None:
    ends = wire()
    ends.feed(text("a") + binary(b"b") + text("c") + binary(b"d"))
    stream = aiter(ends.connection)
    assert [await anext(stream), await anext(stream)] == [b"a", b"b"]
    assert await ends.connection.receive_many(max_messages=1) == [b"c"]
    assert await anext(ends.connection.batches()) == [b"d"]


async def test_the_bound_in_bytes_counts_both_types() -> None:
    ends = Wire(decode_text=False, max_queue=None, max_queue_bytes=100)
    ends.feed(text("a" * 60))
    assert ends.transport.pauses == 0
    ends.feed(binary(b"b" * 60))
    assert ends.transport.pauses == 1
    assert await ends.connection.receive_many() == [b"a" * 60, b"b" * 60]
    assert ends.transport.resumes == 1


@pytest.mark.parametrize("value", [None, 0, 1, "no"])
async def test_only_true_and_false(value: Any) -> None:
    with pytest.raises(TypeError, match="decode_text"):
        Wire(decode_text=value)
