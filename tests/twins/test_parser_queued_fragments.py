"""Fragmented messages whose frames are queued one by one, and the limit for a frame."""

from __future__ import annotations

import random
from typing import Any

import pytest
import reference
from deflating import deflate
from rawserver import BINARY, CONTINUATION, PING, TEXT
from twins.driving import Codec

from wirespeed._base.rfc6455 import Binary, Fragment
from wirespeed._codec.inflate import Inflater
from wirespeed.exceptions import InvalidUtf8, MessageTooBig

RSV1 = 0x40
STREAM = b"".join(
    (
        reference.frame(TEXT, b"whole"),
        reference.frame(TEXT, b"a\xc3", fin=False),
        reference.frame(PING, b"?"),
        reference.frame(CONTINUATION, b"", fin=False),
        reference.frame(CONTINUATION, b"\xa4"),
        reference.frame(BINARY, b"\xff", fin=False),
        reference.frame(CONTINUATION, b""),
        reference.frame(BINARY, b"whole"),
    )
)


def shown(entry: Any) -> Any:
    """Convert an entry into a value that can be compared."""
    if isinstance(entry, Fragment):
        assert len(entry) == len(entry.data)
        return (entry.data, entry.is_text, entry.fin)
    return [entry.data] if isinstance(entry, Binary) else entry


def fed(parser: Any, stream: bytes, step: int) -> list[Any]:
    queue: list[Any] = []
    for start in range(0, len(stream), step):
        parser.feed(stream[start : start + step], queue)
    return [shown(entry) for entry in queue]


@pytest.mark.parametrize("step", [1, 3, len(STREAM)])
@pytest.mark.parametrize("decode_text", [True, False])
def test_fragments_in_their_place(codec: Codec, step: int, decode_text: bool) -> None:
    parser = codec.MessageParser(decode_text=decode_text)
    assert parser.queues_fragments is False
    parser.queues_fragments = True
    whole = ("whole", b"whole") if decode_text else (b"whole", [b"whole"])
    assert fed(parser, STREAM, step) == [
        whole[0],
        (b"a\xc3", True, False),
        (b"", True, False),
        (b"\xa4", True, True),
        (b"\xff", False, False),
        (b"", False, True),
        whole[1],
    ]
    assert parser.message_opcode == 0
    assert parser.filled == 0


@pytest.mark.parametrize("last", [b"\xc3", b"\xff"])
def test_text_is_checked(codec: Codec, last: bytes) -> None:
    parser = codec.MessageParser()
    parser.queues_fragments = True
    queue: list[Any] = []
    parser.feed(reference.frame(TEXT, b"a", fin=False), queue)
    with pytest.raises(InvalidUtf8):
        parser.feed(reference.frame(CONTINUATION, last), queue)
    assert [shown(entry) for entry in queue] == [(b"a", True, False)]


@pytest.mark.parametrize("sizes", [(6, 4), (6, 5), (0, 10), (0, 11), (10, 0), (5, 5, 1)])
def test_the_limit_is_for_the_whole_message(codec: Codec, sizes: tuple[int, ...]) -> None:
    parser = codec.MessageParser(max_message_size=10)
    parser.queues_fragments = True
    queue: list[Any] = []
    for _ in range(2):
        # The second message shows that the count begins anew.
        stream = b""
        for index, size in enumerate(sizes):
            opcode = CONTINUATION if index else BINARY
            fin = index == len(sizes) - 1
            stream += reference.frame(opcode, b"x" * size, fin=fin)
        if sum(sizes) > 10:
            with pytest.raises(MessageTooBig):
                parser.feed(stream, queue)
            return
        parser.feed(stream, queue)
    assert sum(map(len, queue)) == 2 * sum(sizes)


@pytest.mark.parametrize("size", [1000, 1001])
def test_compressed_fragments(codec: Codec, size: int) -> None:
    parser = codec.MessageParser(max_message_size=1000)
    parser.queues_fragments = True
    parser.accept_compressed(Inflater(15, keeps_context=False))
    data = random.Random(1).randbytes(size)
    payload = deflate(data)
    pieces = [payload[start : start + 400] for start in range(0, len(payload), 400)]
    stream = b""
    for index, piece in enumerate(pieces):
        opcode = CONTINUATION if index else BINARY | RSV1
        stream += reference.frame(opcode, piece, fin=index == len(pieces) - 1)
    queue: list[Any] = []
    if size > 1000:
        with pytest.raises(MessageTooBig):
            parser.feed(stream, queue)
        return
    for _ in range(2):
        queue.clear()
        parser.feed(stream, queue)
        assert [entry.fin for entry in queue] == [False, False, True]
        assert b"".join(entry.data for entry in queue) == data


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize("limit", [0, 5, 125, 200, 70_000])
@pytest.mark.parametrize("fin", [True, False])
def test_the_limit_for_a_frame(codec: Codec, limit: int, step: int, fin: bool) -> None:
    parser = codec.MessageParser(max_message_size=None)
    assert parser.frame_limit == 2**63 - 1
    parser.frame_limit = limit
    fitting = reference.frame(BINARY, b"x" * limit)
    assert fed(parser, fitting * 2, step) == [b"x" * limit] * 2
    if not fin:
        assert fed(parser, reference.frame(BINARY, b"x" * limit, fin=False), step) == []
    parser.feed(reference.frame(PING, b"x" * 125), [])
    opcode = BINARY if fin else CONTINUATION
    with pytest.raises(MessageTooBig, match=rf"^frame payload is {limit + 1} bytes"):
        fed(parser, reference.frame(opcode, b"x" * (limit + 1)), step)
