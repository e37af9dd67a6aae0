"""The floods: bytes that are legal, and dear to receive.

Does not measure.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, PING, PONG = 0, 1, 2, 9, 10
FIN, RSV1, MASKED = 0x80, 0x40, 0x80
BLOCK_BYTES = 256 * 1024
EURO = "\N{EURO SIGN}".encode()


@dataclass(frozen=True)
class Flood:
    """One stream of a server.

    Attributes:
        name: for the reader.
        base: the name of the honest stream that it is compared with.
        block: what is sent again and again; whole messages, unless `start` begins one.
        start: what is sent once, before the blocks.
        end: what is sent once, after them.
        extension: the answer to the client's offer; empty for no compression.
        blocks: how many blocks are sent.
        is_cut: whether each byte is a segment of its own.
        by_message: whether each message is a segment of its own; then `block` is one.
        reads: whether the server reads what the client sends.
        overhead: bytes of the headers of IP and TCP for each segment.
    """

    name: str
    base: str
    block: bytes
    start: bytes = b""
    end: bytes = b""
    extension: str = ""
    blocks: int = 16
    is_cut: bool = False
    by_message: bool = False
    reads: bool = True
    overhead: int = 0

    @property
    def stream_bytes(self) -> int:
        """Count the bytes of the WebSocket frames."""
        return len(self.start) + self.blocks * len(self.block) + len(self.end)

    @property
    def wire_bytes(self) -> int:
        """Count the bytes that the network carries."""
        size = self.stream_bytes
        if self.is_cut:
            return size * (1 + self.overhead)
        return size + self.blocks * self.overhead * self.by_message


def frame(opcode: int, payload: bytes, *, fin: bool = True, bits: int = 0) -> bytes:
    """Build a frame as a server sends it."""
    first = opcode | bits | (FIN if fin else 0)
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def filled(unit: bytes) -> bytes:
    """Repeat `unit` up to the size of a block."""
    return unit * (BLOCK_BYTES // len(unit))


def deflate(data: bytes, bits: int = 15) -> bytes:
    """Compress one message that refers to no other."""
    stream = zlib.compressobj(6, zlib.DEFLATED, -bits)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed(payload: bytes) -> bytes:
    """Build a compressed message."""
    return frame(BINARY, payload, bits=RSV1)


def _bits(*fields: tuple[int, int]) -> int:
    """Pack values of some bits each, the first one lowest."""
    packed = position = 0
    for value, size in fields:
        packed |= value << position
        position += size
    return packed


def _empty_dynamic_blocks() -> bytes:
    """Build 8 empty blocks with codes of their own: 90 bits each, the least that is possible."""
    # Lengths are given for the symbols 1 and 18 of the code for code lengths.
    lengths = [(int(place in (2, 17)), 3) for place in range(18)]
    zeros = [(1, 1), (127, 7), (1, 1), (107, 7)]
    block = [(0, 1), (2, 2), (0, 5), (0, 5), (14, 4), *lengths, *zeros, (0, 1), (0, 1), (0, 1)]
    return _bits(*block * 8).to_bytes(90, "little")


def _feed(size: int) -> bytes:
    return json.dumps(
        [
            {"symbol": "BTCUSD", "bid": 60000 + n * 7 % 991, "size": n * 31 % 977}
            for n in range(size)
        ]
    ).encode()


TICKS, BIG, TOKENS, SEGMENTS = "16 B text", "compressed JSON", "compressed tokens", "a feed"
TINY = "compressed tiny messages"
DEFLATE = "permessage-deflate"
_EMPTY_FINAL = b"\x03\x00"
_tokens = [deflate(word) + b"\x00\x00\xff\xff" for word in (b"The ", b"token", b" of a", b" model")]

HONEST = (
    Flood(TICKS, TICKS, filled(frame(TEXT, b"a" * 16))),
    Flood(BIG, BIG, filled(compressed(deflate(_feed(400)))), extension=DEFLATE),
    Flood(TINY, TINY, filled(compressed(deflate(b"tick"))), extension=DEFLATE, blocks=4),
    Flood(
        TOKENS,
        TOKENS,
        filled(b"".join(frame(CONTINUATION, token, fin=False) for token in _tokens)),
        start=frame(BINARY, b"", fin=False, bits=RSV1),
        end=frame(CONTINUATION, deflate(b"end")),
        extension=DEFLATE,
        blocks=2,
    ),
    Flood(SEGMENTS, SEGMENTS, frame(TEXT, b"a" * 64), blocks=50_000, by_message=True, overhead=40),
)

FLOODS = (
    Flood(
        "empty final blocks, one message",
        BIG,
        filled(_EMPTY_FINAL),
        start=b"\xc2\x7f" + (4 * BLOCK_BYTES + 1).to_bytes(8, "big"),
        end=b"\x00",
        extension=DEFLATE,
        blocks=4,
    ),
    Flood(
        "empty final blocks, one a message",
        TINY,
        filled(compressed(_EMPTY_FINAL + b"\x00")),
        extension=DEFLATE,
        blocks=1,
    ),
    Flood(
        "empty final blocks, one a fragment",
        TOKENS,
        filled(frame(CONTINUATION, _EMPTY_FINAL, fin=False)),
        start=frame(BINARY, deflate(_feed(1000)) + b"\x00\x00\xff\xff", fin=False, bits=RSV1),
        end=frame(CONTINUATION, b"\x00"),
        extension=DEFLATE,
        blocks=1,
    ),
    Flood(
        "empty fixed blocks",
        BIG,
        filled(
            compressed(_bits(*[(0, 1), (1, 2), (0, 7)] * 4).to_bytes(5, "little") * 6500 + b"\0")
        ),
        extension=DEFLATE,
    ),
    Flood(
        "empty dynamic blocks",
        BIG,
        filled(compressed(_empty_dynamic_blocks() * 360 + b"\0")),
        extension=DEFLATE,
    ),
    Flood(
        "empty stored blocks",
        BIG,
        filled(compressed(b"\x00\x00\x00\xff\xff" * 6500 + b"\x00")),
        extension=DEFLATE,
    ),
    Flood(
        "stored blocks of 1 byte",
        BIG,
        filled(compressed(b"\x00\x01\x00\xfe\xffa" * 5400 + b"\x00")),
        extension=DEFLATE,
    ),
    Flood(
        "a window of 8 bits",
        BIG,
        filled(compressed(deflate(_feed(4), 9))),
        extension=DEFLATE + "; server_max_window_bits=8",
    ),
    Flood(
        "1-byte fragments",
        TICKS,
        filled(
            frame(BINARY, b"a", fin=False)
            + frame(CONTINUATION, b"a", fin=False) * 998
            + frame(CONTINUATION, b"a")
        ),
    ),
    Flood(
        "a million empty fragments",
        TICKS,
        frame(CONTINUATION, b"", fin=False) * 62_500,
        start=frame(BINARY, b"", fin=False),
        end=frame(CONTINUATION, b""),
    ),
    Flood("empty messages", TICKS, filled(frame(TEXT, b""))),
    Flood("14-byte frames", TICKS, filled(frame(TEXT, b"a" * 12))),
    Flood(
        "3-byte UTF-8, cut after 1",
        TICKS,
        filled(frame(TEXT, EURO[:1], fin=False) + frame(CONTINUATION, EURO[1:])),
    ),
    Flood(
        "3-byte UTF-8, cut after 2",
        TICKS,
        filled(frame(TEXT, EURO[:2], fin=False) + frame(CONTINUATION, EURO[2:])),
    ),
    Flood(
        "3-byte UTF-8, cut everywhere",
        TICKS,
        filled(
            frame(TEXT, EURO[:1], fin=False)
            + frame(CONTINUATION, EURO[1:2], fin=False)
            + frame(CONTINUATION, EURO[2:])
        ),
    ),
    Flood("Pings", TICKS, filled(frame(PING, b"")), blocks=2),
    Flood("Pongs", TICKS, filled(frame(PONG, b"")), blocks=2),
    Flood("Pings to a peer that does not read", TICKS, filled(frame(PING, b"")), reads=False),
    Flood("a masked header", TICKS, filled(bytes((FIN | TEXT, MASKED, 1, 2, 3, 4)))),
    Flood(
        "1-byte segments",
        SEGMENTS,
        frame(TEXT, b"a" * 16) * 3000,
        blocks=1,
        is_cut=True,
        overhead=40,
    ),
)
