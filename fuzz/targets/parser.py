"""A stream of frames: both codecs against the slow, obvious one, and against each other."""

from __future__ import annotations

import functools
from typing import Any

import reference
from twins.driving import Codec, Peer

from fuzz.codecs import CODECS, comparable
from fuzz.source import Source
from wirespeed.exceptions import ProtocolError

_LIMITS = (None, 10, 1, 100, 125, 126, 1000, 70_000, 1 << 40)
_WAYS = ("whole", "fragments", "controls", "chunks", "frame limit")


def one_input(data: bytes) -> None:
    """Parse a stream with each codec, in one of its ways."""
    source = Source(data)
    options = {
        "masked": bool(source.below(2)),
        "decode_text": not source.below(2),
        "max_message_size": source.one_of(_LIMITS),
    }
    way = source.one_of(_WAYS)
    frame_limit = source.byte()
    sizes = source.sizes()
    stream = source.rest()
    parse = functools.partial(
        _parse, stream=stream, sizes=sizes, way=way, frame_limit=frame_limit, options=options
    )
    outcomes = [parse(codec) for codec in CODECS]
    assert all(outcome == outcomes[0] for outcome in outcomes), outcomes
    if way == "whole":
        _compare_with_reference(outcomes[0], stream, options)


def _compare_with_reference(outcome: Any, stream: bytes, options: dict[str, Any]) -> None:
    expected = reference.parse(
        stream, masked=options["masked"], max_message_size=options["max_message_size"]
    )
    messages = expected.messages
    if not options["decode_text"]:
        messages = [each.encode() if isinstance(each, str) else [each] for each in messages]  # type: ignore[misc]
    assert outcome == (messages, expected.controls, expected.close, expected.error)


def _parse(
    codec: Codec,
    *,
    stream: bytes,
    sizes: list[int],
    way: str,
    frame_limit: int,
    options: dict[str, Any],
) -> Any:
    parser = codec.MessageParser(**options)
    parser.queues_fragments = way == "fragments"
    parser.queues_controls = way in ("fragments", "controls")
    if way == "frame limit":
        parser.frame_limit = frame_limit
    peer = Peer(parser)
    if way == "chunks":
        return _in_chunks(peer, stream, sizes)
    return comparable(peer.receive(stream, sizes))


def _in_chunks(peer: Peer, stream: bytes, sizes: list[int]) -> Any:
    """Ask for each message in chunks as soon as it has begun; each chunk but the last has data."""
    streams: list[list[Any]] = []
    at = turn = 0
    while at < len(stream) and peer.outcome.error is None:
        size = sizes[turn % len(sizes)]
        peer.receive(stream[at : at + size], [size])
        at, turn = at + size, turn + 1
        if peer.parser.message_opcode and peer.parser.chunks is None:
            streams.append([])
            try:
                peer.parser.stream(streams[-1])
            except ProtocolError as fault:
                peer.outcome.fail(fault)
    for chunks in streams:
        assert all(chunks[:-1]), chunks
    return comparable(peer.outcome), [[comparable(chunk) for chunk in each] for each in streams]
