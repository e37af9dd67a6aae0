"""Messages that say whose they are and which one: connection, number and a checksum.

Must not know which end of a connection sends them.
"""

from __future__ import annotations

import random
import zlib
from typing import Final

# Of one to four bytes in UTF-8: reads end inside a character, too.
ALPHABET: Final = "abcdefgh ijklmnop 0123456789 äöüß – €漢字 🚀"

_POOL: Final = random.Random("filler")
_CHARACTERS: Final = "".join(_POOL.choices(ALPHABET, k=300_000))
_BYTES: Final = _POOL.randbytes(300_000)

# The largest sizes, and how often they come.
_SIZES: Final = (200, 3_000, 20_000, 200_000)
_WEIGHTS: Final = (80, 15, 4, 1)


class CorruptMessageError(Exception):
    """What came is not what any end of this connection has sent."""


def message(owner: str, number: int, choose: random.Random) -> str | bytes:
    """Make message `number` of `owner`, of any size and either type."""
    size = choose.randrange(choose.choices(_SIZES, _WEIGHTS)[0])
    start = choose.randrange(len(_BYTES) - size)
    head = f"{owner} {number} "
    if choose.random() < 0.5:
        body = head.encode() + _BYTES[start : start + size]
        return b"%08x " % zlib.crc32(body) + body
    text = head + _CHARACTERS[start : start + size]
    return f"{zlib.crc32(text.encode()):08x} {text}"


def number_of(owner: str, data: str | bytes) -> int:
    """Return the number of a message of `owner`.

    Raises:
        CorruptMessageError: it is not whole, or somebody else's.
    """
    raw = data.encode() if isinstance(data, str) else data
    checksum, _, body = raw.partition(b" ")
    whose, _, rest = body.partition(b" ")
    if whose != owner.encode() or checksum != b"%08x" % zlib.crc32(body):
        # Without the filler: a few bytes tell what it was.
        raise CorruptMessageError(f"a message of {len(raw)} bytes begins with {raw[:60]!r}")
    return int(rest.partition(b" ")[0])


def from_server(key: str) -> str:
    """Name the owner of the messages that the server sends on connection `key`."""
    return f"{key}<"


def from_client(key: str) -> str:
    """Name the owner of the messages that the client sends on connection `key`."""
    return f"{key}>"
