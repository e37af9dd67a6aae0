"""Messages that carry their origin: connection, number and a checksum."""

from __future__ import annotations

import random
import zlib
from typing import Final

# Characters of one to four bytes in UTF-8, so that reads can end inside a character.
ALPHABET: Final = "abcdefgh ijklmnop 0123456789 äöüß – €漢字 🚀"

_POOL: Final = random.Random("filler")
_CHARACTERS: Final = "".join(_POOL.choices(ALPHABET, k=300_000))
_BYTES: Final = _POOL.randbytes(300_000)

# Upper limits of the sizes, and how often each is used.
_SIZES: Final = (200, 3_000, 20_000, 200_000)
_WEIGHTS: Final = (80, 15, 4, 1)


class CorruptMessageError(Exception):
    """A message is not what either end of this connection has sent."""


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
    """Return the number of a message from `owner`.

    Raises:
        CorruptMessageError: the message is damaged, or belongs to another owner.
    """
    raw = data.encode() if isinstance(data, str) else data
    checksum, _, body = raw.partition(b" ")
    whose, _, rest = body.partition(b" ")
    if whose != owner.encode() or checksum != b"%08x" % zlib.crc32(body):
        # The filler is left out of the text: a few bytes show what the message was.
        raise CorruptMessageError(f"a message of {len(raw)} bytes begins with {raw[:60]!r}")
    return int(rest.partition(b" ")[0])


def owner_of(data: str | bytes) -> str:
    """Return the owner of a message that may be anyone's; `number_of` checks it."""
    raw = data.encode() if isinstance(data, str) else data
    return raw.split(b" ", 2)[1].decode()


def from_server(key: str) -> str:
    """Return the owner name of the messages that the server sends on connection `key`."""
    return f"{key}<"


def from_client(key: str) -> str:
    """Return the owner name of the messages that the client sends on connection `key`."""
    return f"{key}>"
