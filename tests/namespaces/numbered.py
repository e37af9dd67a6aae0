"""Messages whose order and content both ends can check."""

from __future__ import annotations

import random


def numbered(number: int, size: int) -> str:
    """Return a text message of `size` characters that begins with its number."""
    return f"{number} ".ljust(size, "x")


def incompressible(number: int, size: int) -> str:
    """Return a text message that begins with its number; deflate makes it half as large."""
    return f"{number} {random.Random(number).randbytes(size // 2).hex()}"


def blob(size: int) -> bytes:
    """Return the same random bytes in every process."""
    return random.Random(size).randbytes(size)
