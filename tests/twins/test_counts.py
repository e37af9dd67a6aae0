"""The counters of parser and builder, on random streams in random chunks.

The test counts the frames that it makes itself.
"""

from __future__ import annotations

import random

import pytest
import reference
from twins.driving import Codec, Peer
from twins.streams import random_message, random_sizes, random_stream, spoil

from wirespeed._base.rfc6455 import OPCODE_BINARY, OPCODE_PING, OPCODE_PONG, OPCODE_TEXT
from wirespeed._codec import _core, pure

LENGTHS = (0, 1, 125, 126, 127, 1000, 65535, 65536, 70_000)


def counts(parser: object) -> tuple[int, ...]:
    """Return all counters of a parser."""
    names = ("frames", "payload_bytes", "pings", "pongs")
    return tuple(getattr(parser, name) for name in names)


def expected(frames: list[bytes], *, masked: bool) -> tuple[int, ...]:
    """Count the frames one by one."""
    payload_bytes = pings = pongs = 0
    for frame in frames:
        length_bytes = {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)
        payload_bytes += len(frame) - 2 - length_bytes - 4 * masked
        pings += frame[0] & 0x0F == OPCODE_PING
        pongs += frame[0] & 0x0F == OPCODE_PONG
    return len(frames), payload_bytes, pings, pongs


@pytest.mark.parametrize("decode_text", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_frames_of_random_streams(codec: Codec, masked: bool, decode_text: bool) -> None:
    rng = random.Random(f"counts {masked} {decode_text}")
    for _ in range(200):
        frames = [
            frame
            for _ in range(rng.randrange(1, 8))
            for frame in random_message(rng, masked=masked)
        ]
        stream = b"".join(frames)
        parser = codec.MessageParser(masked=masked, decode_text=decode_text)
        Peer(parser).receive(stream, random_sizes(rng))
        assert counts(parser) == expected(frames, masked=masked)


def test_a_frame_counts_once_it_is_there_in_full(codec: Codec) -> None:
    parser = codec.MessageParser()
    frame = reference.frame(OPCODE_BINARY, b"a" * 300_000)
    peer = Peer(parser)
    peer.receive(frame[:-1], [100_000])
    assert counts(parser) == (0, 0, 0, 0)
    peer.receive(frame[-1:], [1])
    assert counts(parser) == (1, 300_000, 0, 0)


def test_a_frame_at_fault_is_not_counted(codec: Codec) -> None:
    for bad in (reference.frame(1, b"\xff"), reference.frame(8, b"\x00"), b"\xb1\x00"):
        parser = codec.MessageParser()
        Peer(parser).receive(reference.frame(1, b"abc") + bad, [100])
        assert counts(parser) == (1, 3, 0, 0)


def test_both_twins_count_the_same_in_spoiled_streams() -> None:
    rng = random.Random("spoiled counts")
    for _ in range(500):
        stream = spoil(rng, random_stream(rng, masked=False))
        sizes = random_sizes(rng)
        parsers = [module.MessageParser() for module in (_core, pure)]
        for parser in parsers:
            Peer(parser).receive(stream, sizes)
        assert counts(parsers[0]) == counts(parsers[1])


def test_what_a_builder_builds(codec: Codec) -> None:
    rng = random.Random("built")
    builder = codec.FrameBuilder()
    payload_bytes = 0
    for count in range(1, 101):
        length = rng.choice(LENGTHS)
        opcode = rng.choice((OPCODE_TEXT, OPCODE_BINARY))
        build = rng.choice((builder.append, builder.frame))
        build(opcode, b"a" * length)
        payload_bytes += length
        if rng.random() < 0.3:
            builder.take()
        assert (builder.frames, builder.payload_bytes) == (count, payload_bytes)


def test_what_cannot_be_sent_is_not_counted(codec: Codec) -> None:
    builder = codec.FrameBuilder()
    for build in (builder.append, builder.frame):
        with pytest.raises(ValueError, match="not valid UTF-8"):
            build(OPCODE_TEXT, b"\xff" * 200)
    assert (builder.frames, builder.payload_bytes) == (0, 0)
