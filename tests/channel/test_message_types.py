"""What a type checker knows about messages; `make lint` runs it over this file.

An error that it does not report any more is one too: the comment that expects it is then unused.
"""

from __future__ import annotations

from typing import assert_type

import pytest
from ends import both_ends, deliver, text_frame

from wirespeed import Message, MessageType


async def test_the_type_of_a_message_tells_that_of_its_data() -> None:
    async with both_ends() as (ws, server):
        await deliver(server, text_frame("one") + text_frame("two") + text_frame("three"))
        message = await ws.receive()
        if message.type is MessageType.TEXT:
            assert_type(message.data, str)
        else:
            assert_type(message.data, bytes)
        peeked = ws.peek()
        assert peeked is not None
        if peeked.type is MessageType.BINARY:
            assert_type(peeked.data, bytes)
        taken = ws.receive_nowait()
        if taken.type is MessageType.TEXT:
            assert_type(taken.data, str)
        last: Message = await ws.receive()
        assert_type(last.data, str | bytes)
        assert [message.data, peeked.data, taken.data, last.data] == ["one", "two", "two", "three"]


async def test_a_mapping_is_no_message() -> None:
    async with both_ends() as (ws, _):
        with pytest.raises(TypeError, match="send_json"):
            await ws.send({"subscribe": "BTCUSD"})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="send_json"):
            await ws.send_many({"subscribe": "BTCUSD"})
