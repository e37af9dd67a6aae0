"""Makes the payloads of messages and the server's frames, the same ones in each run.

Does no I/O.
"""

from __future__ import annotations

import functools
import json
import random
import zlib
from itertools import accumulate
from typing import Final

from .._base.rfc6455 import LENGTH_IS_16_BIT, OPCODE_BINARY, OPCODE_TEXT, RSV1_BIT, frame_header
from .._codec.inflate import TAIL
from .works import Work

# The size of one write of a flood; large enough that a reader never waits for the writer.
BLOCK_BYTES: Final = 512 * 1024
# A request is a text message of this many digits. It is the number of messages that the client
# wants, or will send.
REQUEST_DIGITS: Final = 16
# A message of a paced feed begins with two monotonic times in nanoseconds, of this many digits
# each: when it was due, and when it was sent.
STAMP_DIGITS: Final = 18

_MASKING_KEY_BYTES: Final = 4
_ASCII: Final = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 ,.-:"
_VOCABULARY_WORDS: Final = 2000
# The n-th word of a language is about 1/n as frequent as the first (Zipf's law).
_CUMULATED: Final = list(accumulate(1 / rank for rank in range(1, _VOCABULARY_WORDS + 1)))
# CJK ideographs, 3 bytes each in UTF-8.
_IDEOGRAPHS: Final = [chr(code) for code in range(0x4E00, 0x5E00)]


def payload(work: Work, number: int = 0) -> bytes:
    """Make the payload of message `number`; its size is exactly that of the work."""
    chance = random.Random(number)  # noqa: S311  # filling, not keys
    if work.payload == "binary":
        return chance.randbytes(work.size)
    if work.payload == "utf8":
        ideographs, rest = divmod(work.size, 3)
        return ("".join(chance.choices(_IDEOGRAPHS, k=ideographs)) + "." * rest).encode()
    if work.payload == "json":
        return _tick(work.size, chance)
    if work.compressed:
        words = chance.choices(_vocabulary(), cum_weights=_CUMULATED, k=work.size)
        return " ".join(words)[: work.size].encode()
    return "".join(chance.choices(_ASCII, k=work.size)).encode()


@functools.cache
def _vocabulary() -> list[str]:
    """Make up words of 2 to 9 letters."""
    chance = random.Random(0)  # noqa: S311  # filling, not keys
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    weights = range(len(letters), 0, -1)
    return [
        "".join(chance.choices(letters, weights, k=chance.randint(2, 9)))
        for _ in range(_VOCABULARY_WORDS)
    ]


def _tick(size: int, chance: random.Random) -> bytes:
    """Make a JSON text of as many market quotes as fit, in the format of `json.dumps`."""
    left = size - len('{"t": [], "f": ""}')
    if left < 0:
        raise ValueError(f"a JSON payload has 18 bytes or more, not {size}")
    quotes: list[str] = []
    while True:
        price = round(chance.gauss(67_000, 50), 2)
        quote = json.dumps({"s": "BTCUSD", "p": price, "n": len(quotes)})
        room = len(quote) + (len(", ") if quotes else 0)
        if room > left:
            break
        quotes.append(quote)
        left -= room
    return f'{{"t": [{", ".join(quotes)}], "f": "{"x" * left}"}}'.encode()


@functools.lru_cache(maxsize=1)
def message(work: Work) -> str | bytes:
    """Make the message that a client sends."""
    data = payload(work)
    return data if work.payload == "binary" else data.decode()


def server_frame(work: Work, data: bytes) -> bytes:
    """Build the unmasked frame with this payload."""
    opcode = OPCODE_BINARY if work.payload == "binary" else OPCODE_TEXT
    return frame_header(opcode, len(data)) + data


def client_frame_bytes(size: int) -> int:
    """Return the size of a client's frame with a payload of `size` bytes."""
    return len(frame_header(OPCODE_BINARY, size)) + _MASKING_KEY_BYTES + size


@functools.lru_cache(maxsize=1)
def block(work: Work) -> tuple[bytes, int]:
    """Build frames of different messages for one large write.

    Returns:
        The frames, all of the same length, and their number.
    """
    count = max(1, BLOCK_BYTES // len(server_frame(work, payload(work))))
    # 512 are enough: more would only take longer to make.
    different = [server_frame(work, payload(work, number)) for number in range(min(count, 512))]
    frames = (different * (count // len(different) + 1))[:count]
    return b"".join(frames), count


@functools.lru_cache(maxsize=1)
def compressed_block(work: Work) -> tuple[bytes, list[int]]:
    """Build compressed frames, each with references to those before it in the block.

    The first frame has no references. So a receiver that keeps its context can inflate any number
    of whole blocks, and of first parts of blocks, one after another.

    Returns:
        The frames, and the position where each of them ends.
    """
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    frames, ends = bytearray(), []
    for number in range(BLOCK_BYTES // work.size + 1):
        data = stream.compress(payload(work, number)) + stream.flush(zlib.Z_SYNC_FLUSH)
        data = data[: -len(TAIL)]
        header = frame_header(OPCODE_TEXT, len(data))
        frames += bytes([header[0] | RSV1_BIT]) + header[1:] + data
        ends.append(len(frames))
    return bytes(frames), ends


def stamped_frames(size: int, due: range, sent: int) -> bytes:
    """Build the frames of a paced feed.

    Args:
        size: the size of each payload, 36 to 125 bytes.
        due: the times at which they are due, in nanoseconds.
        sent: the time at which they are sent, in nanoseconds.
    """
    if not 2 * STAMP_DIGITS <= size < LENGTH_IS_16_BIT:
        raise ValueError(f"a message of a paced feed has 36 to 125 bytes, not {size}")
    head = frame_header(OPCODE_TEXT, size)
    tail = f"{sent:0{STAMP_DIGITS}d}".encode() + b"." * (size - 2 * STAMP_DIGITS)
    return b"".join([b"%b%018d%b" % (head, time, tail) for time in due])


def stamps(message: str) -> tuple[int, int]:
    """Return the two times in a message of a paced feed: due and sent."""
    return int(message[:STAMP_DIGITS]), int(message[STAMP_DIGITS : 2 * STAMP_DIGITS])
