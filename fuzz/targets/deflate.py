"""Compressed messages: both codecs with both backends against zlib, and against the plain data."""

from __future__ import annotations

import zlib
from typing import Any

import reference
from deflating import BACKENDS, TAIL
from twins.driving import Peer

from fuzz.codecs import CODECS, comparable
from fuzz.source import Source
from wirespeed._codec.inflate import Inflater

_LIMITS = (None, 1 << 20, 0, 10, 1000, 70_000)
_RSV1 = 0x40
_MOST_MESSAGES = 8
# 300 times 255 bytes take more than one step of the inflater.
_TIMES = (1, 2, 16, 300)
_SHORT_BYTES = 256


class _Compressor:
    """Compresses as a server does, with its own settings."""

    def __init__(self, source: Source) -> None:
        self.window_bits = 9 + source.below(7)
        self.keeps_context = bool(source.below(2))
        self._level = source.below(10)
        self._stream = self._new()

    def payload(self, data: bytes, *, ends: bool) -> bytes:
        """Compress one message; with a final block if `ends`, which resets the context."""
        stream = self._stream if self.keeps_context else self._new()
        if not ends:
            return bytes(stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
        self._stream = self._new()
        return bytes(stream.compress(data) + stream.flush(zlib.Z_FINISH)) + b"\x00"

    def _new(self) -> Any:
        return zlib.compressobj(self._level, zlib.DEFLATED, -self.window_bits)


def one_input(data: bytes) -> None:
    """Parse a conversation with each codec: messages that were compressed, and any bytes."""
    source = Source(data)
    compressor = _Compressor(source)
    limit = source.one_of(_LIMITS)
    backend = source.one_of(BACKENDS)
    sizes = source.sizes()
    stream, plain, first_payload = _conversation(source, compressor)
    # Not more than some hundred reads.
    sizes = [size * (1 + len(stream) // _SHORT_BYTES) for size in sizes]
    outcomes = []
    for codec in CODECS:
        inflater = Inflater(
            compressor.window_bits, keeps_context=compressor.keeps_context, backend=backend
        )
        parser = codec.MessageParser(max_message_size=limit)
        parser.accept_compressed(inflater)
        outcomes.append(comparable(Peer(parser).receive(stream, sizes)))
    assert all(outcome == outcomes[0] for outcome in outcomes), outcomes
    messages, _, _, error = outcomes[0]
    if limit is None and error is None and plain is not None:
        assert messages == plain
    if first_payload is not None and limit is None:
        _compare_with_zlib(first_payload, messages, error)


def _conversation(
    source: Source, compressor: _Compressor
) -> tuple[bytes, list[bytes] | None, bytes | None]:
    """Return the frames, the messages in them if all are valid, and the first one's payload."""
    frames = b""
    plain: list[bytes] | None = []
    first: bytes | None = None
    for number in range(_MOST_MESSAGES):
        if not len(source):
            break
        kind, times = source.byte(), source.one_of(_TIMES)
        part = source.take(source.byte())
        if kind & 1:
            payload, plain = part, None
        else:
            payload = compressor.payload(part * times, ends=bool(kind & 2))
            if plain is not None:
                plain.append(part * times)
        if kind & 4:
            # One changed byte.
            at = source.byte() % (len(payload) or 1)
            payload, plain = payload[:at] + bytes([source.byte()]) + payload[at + 1 :], None
        if number == 0:
            first = payload
        cut = source.byte() % (len(payload) + 1) if kind & 8 else len(payload)
        frames += _frames(payload, cut)
    return frames, plain, first


def _frames(payload: bytes, cut: int) -> bytes:
    """Build a binary message of one frame, or of two if `cut` is inside."""
    fin = cut == len(payload)
    head = bytearray(reference.frame(2, payload[:cut], fin=fin))
    head[0] |= _RSV1
    return bytes(head) if fin else bytes(head) + reference.frame(0, payload[cut:])


def _compare_with_zlib(payload: bytes, messages: list[Any], error: object) -> None:
    """Compare the first message, which no earlier one can influence, with what zlib makes of it."""
    stream = zlib.decompressobj(-15)
    try:
        expected = stream.decompress(payload + TAIL)
    except zlib.error:
        assert messages == []
        assert error is not None
        return
    # zlib does not tell whether the data stops inside a block, which is an error.
    if not stream.eof and (messages or error is None):
        assert messages[:1] == [expected]
