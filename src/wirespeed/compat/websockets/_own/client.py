"""When `async for ... in connect(...)` connects again, and after how long."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Final

from .. import _types as theirs

__all__ = ["backoff", "process_exception"]

# The same variables as in `websockets`.
_INITIAL_SECONDS: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_INITIAL_DELAY", "5"))
_MIN_SECONDS: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_MIN_DELAY", "3.1"))
_MAX_SECONDS: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_MAX_DELAY", "90.0"))
_FACTOR: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_FACTOR", "1.618"))

_PASSING_STATUSES: Final = frozenset({500, 502, 503, 504})


def process_exception(exc: Exception) -> Exception | None:
    """Return `None` if it makes sense to connect again after `exc`, else `exc`."""
    if isinstance(exc, OSError | TimeoutError):
        return None
    if isinstance(exc, theirs.InvalidMessage) and isinstance(exc.__cause__, EOFError):
        return None
    if isinstance(exc, theirs.InvalidStatus) and exc.response.status_code in _PASSING_STATUSES:
        return None
    return exc


def backoff(
    initial_delay: float = _INITIAL_SECONDS,
    min_delay: float = _MIN_SECONDS,
    max_delay: float = _MAX_SECONDS,
    factor: float = _FACTOR,
) -> Iterator[float]:
    """Yield the seconds to wait before each attempt; the first is random, up to `initial_delay`."""
    yield random.random() * initial_delay  # noqa: S311 - it protects no secret
    delay = min_delay
    while True:
        yield min(delay, max_delay)
        delay = min(delay * factor, max_delay)
