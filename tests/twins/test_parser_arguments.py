"""The arguments that a parser accepts, and the errors for all others.

A wrong argument is the caller's error: it changes nothing in the parser.
"""

from __future__ import annotations

import re

import pytest
import reference
from twins.buffers import BYTES_LIKE, NOT_BYTES_LIKE
from twins.driving import Codec

from wirespeed.exceptions import ProtocolError

# The length is one byte less than a multiple of 4, so that one more byte completes a Ping.
STREAM = reference.frame(1, "aé".encode()) + reference.frame(2, b"0123456789") + b"\x89\x01"
MESSAGES = ["aé", b"0123456789"]


@pytest.mark.parametrize("kind", BYTES_LIKE)
def test_kinds_of_data(codec: Codec, kind: str) -> None:
    assert len(STREAM) % 4 == 3
    parser = codec.MessageParser()
    messages: list[str | bytes] = []
    with BYTES_LIKE[kind](STREAM + b"!") as data:
        parser.feed(data, messages)
    assert messages == MESSAGES
    assert parser.controls == [(9, b"!")]


@pytest.mark.parametrize("kind", BYTES_LIKE)
def test_size_counts_bytes_of_every_kind(codec: Codec, kind: str) -> None:
    parser = codec.MessageParser()
    messages: list[str | bytes] = []
    with BYTES_LIKE[kind](STREAM + b"!") as data:
        parser.feed(data, messages, len(STREAM))
        assert parser.controls == []
        parser.feed(data, messages, size=0)
    parser.feed(b"!", messages, -1)
    assert messages == MESSAGES
    assert parser.controls == [(9, b"!")]


@pytest.mark.parametrize("kind", BYTES_LIKE)
def test_no_reference_is_kept_after_a_fault(codec: Codec, kind: str) -> None:
    # A memory map cannot be closed, nor a bytearray resized, while a view of it exists.
    parser = codec.MessageParser()
    with BYTES_LIKE[kind](reference.frame(1, b"aaaa\xff\xff")) as data:
        with pytest.raises(ProtocolError) as caught:
            parser.feed(data, [])
        if isinstance(data, bytearray):
            data.clear()
    assert caught.value.close_code == 1007


@pytest.mark.parametrize("data", NOT_BYTES_LIKE, ids=repr)
def test_what_is_not_bytes_like(codec: Codec, data: object) -> None:
    parser = codec.MessageParser()
    with pytest.raises(TypeError, match=rf"^data must be bytes-like, not {type(data).__name__}$"):
        parser.feed(data, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [-3, -2, 6, 9, 1 << 40])
def test_a_size_that_data_does_not_have(codec: Codec, size: int) -> None:
    parser = codec.MessageParser()
    with pytest.raises(ValueError, match=rf"^size is {size} bytes, data holds 5$"):
        parser.feed(b"\x81\x03abc", [], size)


@pytest.mark.parametrize("size", ["3", 2.0, None, b"1"], ids=repr)
def test_a_size_that_is_no_number(codec: Codec, size: object) -> None:
    with pytest.raises(TypeError):
        codec.MessageParser().feed(b"\x81\x03abc", [], size)  # type: ignore[arg-type]


@pytest.mark.parametrize("messages", [None, (), {}, "list"], ids=repr)
def test_messages_must_be_a_list(codec: Codec, messages: object) -> None:
    with pytest.raises(TypeError):
        codec.MessageParser().feed(b"\x81\x03abc", messages)  # type: ignore[arg-type]


def test_a_wrong_argument_changes_nothing(codec: Codec) -> None:
    parser = codec.MessageParser()
    messages: list[str | bytes] = []
    for start in range(len(STREAM)):
        with pytest.raises(TypeError):
            parser.feed("text", messages)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"^size is 2 bytes"):
            parser.feed(b"\xff", messages, 2)
        with pytest.raises(TypeError):
            parser.feed(b"\xff\xff", None)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            parser.feed(b"\xff\xff", messages, 2.0)  # type: ignore[arg-type]
        parser.feed(STREAM[start : start + 1], messages)
    assert messages == MESSAGES


def test_arguments_are_checked_after_the_end_too(codec: Codec) -> None:
    parser = codec.MessageParser()
    parser.feed(reference.frame(8, b""), [])
    with pytest.raises(TypeError):
        parser.feed("text", [])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^size is 2 bytes, data holds 1$"):
        parser.feed(b"a", [], 2)


def test_messages_are_appended(codec: Codec) -> None:
    messages: list[str | bytes] = [b"first"]
    codec.MessageParser().feed(STREAM, messages)
    assert messages == [b"first", *MESSAGES]


@pytest.mark.parametrize("limit", ["10", 1.5, b"1", True, False, [1]], ids=repr)
def test_a_limit_of_the_wrong_type(codec: Codec, limit: object) -> None:
    text = f"max_message_size must be int or None, not {type(limit).__name__}"
    with pytest.raises(TypeError, match=rf"^{re.escape(text)}$"):
        codec.MessageParser(max_message_size=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [-1, -(2**70)])
def test_a_negative_limit(codec: Codec, limit: int) -> None:
    text = f"max_message_size must be 0 bytes or more, not {limit}"
    with pytest.raises(ValueError, match=rf"^{re.escape(text)}$"):
        codec.MessageParser(max_message_size=limit)


def test_options_have_names(codec: Codec) -> None:
    with pytest.raises(TypeError):
        codec.MessageParser(1000)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        codec.MessageParser(limit=1000)  # type: ignore[call-arg]
