"""What the peer of the scenes sends, and the messages that the client must make of it.

The client names a script in its URL, and starts it with the message `GO`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

GO: Final = "go"

Payload: TypeAlias = "str | bytes"

FIN: Final = 0x80
RSV1: Final = 0x40
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9


def frame(first: int, payload: bytes) -> bytes:
    """Build a server's frame from its first byte and its payload."""
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    if size < 65536:
        return bytes([first, 126]) + size.to_bytes(2, "big") + payload
    return bytes([first, 127]) + size.to_bytes(8, "big") + payload


def _encoded(message: Payload) -> tuple[int, bytes]:
    return (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)


def whole(message: Payload) -> bytes:
    """Build the frame of a message in one frame."""
    opcode, payload = _encoded(message)
    return frame(FIN | opcode, payload)


def split(message: Payload, *cuts: int) -> list[bytes]:
    """Build the frames of a message in fragments; each is meant for a read of its own."""
    opcode, payload = _encoded(message)
    frames = []
    for start, end in zip((0, *cuts), (*cuts, len(payload)), strict=True):
        fin = FIN if end == len(payload) else 0
        frames.append(frame(fin | opcode, payload[start:end]))
        opcode = CONTINUATION
    return frames


class _Deflate:
    """The peer's compression."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(6, zlib.DEFLATED, -15)

    def payload(self, data: bytes) -> bytes:
        return (self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def whole(self, message: Payload) -> bytes:
        opcode, payload = _encoded(message)
        return frame(FIN | RSV1 | opcode, self.payload(payload))


@dataclass(frozen=True)
class Script:
    """What the peer sends after `GO`.

    Attributes:
        reads: the bytes, each element whole frames. The peer waits until the client has read it.
        expected: the messages in them.
        ends: whether the peer then waits for the client's Close frame, and answers no messages.
        resets: whether the peer then resets the connection.
    """

    reads: Sequence[bytes]
    expected: Sequence[Payload] = ()
    ends: bool = False
    resets: bool = False


SMALL: Final[list[Payload]] = ["one", b"two", "dr\u00e9i \u2713", b"", "", "five", b"six" * 300]
TEXTS: Final[list[Payload]] = [f"text {number}" for number in range(12)]
WIDE: Final = "\u00fcber \u4e2d\u6587 \U0001f600 " * 40
BLOB: Final = bytes(range(256)) * 12
LARGE: Final = b"large-" * 40_000
# Cannot be compressed well, so that it arrives in several reads even when it was compressed.
NOISE: Final = "".join(chr(0x100 + (number * number) % 7919) for number in range(9000))

_d = _Deflate()
_DEFLATED = [b"".join(map(_d.whole, SMALL)), _d.whole(NOISE), _d.whole("x" * 50_000)]

SCRIPTS: Final[dict[str, Script]] = {
    "echo": Script([]),
    "small": Script([b"".join(map(whole, SMALL)), whole("last")], [*SMALL, "last"]),
    "texts": Script([b"".join(map(whole, TEXTS[:6])), *map(whole, TEXTS[6:])], TEXTS),
    "json": Script([whole("[1]"), whole('{"a": 2}'), whole(b"[3]")], ["[1]", '{"a": 2}', b"[3]"]),
    "fragments": Script(
        [*split(WIDE, 1, 30, 31, 90), *split(BLOB, 10, 900), whole("last")], [WIDE, BLOB, "last"]
    ),
    "cut": Script([whole(NOISE), whole(BLOB * 6)], [NOISE, BLOB * 6]),
    "large": Script([whole(LARGE), whole("last")], [LARGE, "last"]),
    "deflated": Script(_DEFLATED, [*SMALL, NOISE, "x" * 50_000]),
    "burst": Script(
        [b"".join(whole(f"{number % 4} {number}") for number in range(20)), whole("0 last")],
        [*(f"{number % 4} {number}" for number in range(20)), "0 last"],
    ),
    "close": Script(
        [whole("one"), whole("two") + frame(FIN | CLOSE, b"\x03\xe8bye")], ["one", "two"], ends=True
    ),
    "reset": Script([whole("one")], ["one"], resets=True),
    "pings": Script([frame(FIN | PING, b"a"), frame(FIN | PING, b"b") + whole("one")], ["one"]),
}
