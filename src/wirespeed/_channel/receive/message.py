"""What is received, and what is queued in its place where arrivals are timed.

Must not know of the queue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._base.rfc6455 import MessageType


class Message:
    """A received message; those of the same type and data are equal, whenever they came.

    Attributes:
        type: `MessageType.TEXT` or `MessageType.BINARY`.
        data: `str` for text, `bytes` for binary.
        received_at: when the socket was read that had the last of it, in seconds of
            `time.monotonic()`; `None` unless the connection was opened with `timestamps=True`.
    """

    __match_args__ = ("type", "data")

    def __init__(
        self, type: MessageType, data: str | bytes, received_at: float | None = None
    ) -> None:
        self.type = type
        self.data = data
        self.received_at = received_at

    def __iter__(self) -> Iterator[Any]:
        return iter((self.type, self.data))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.type == other.type and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.type, self.data))

    def __repr__(self) -> str:
        unit = "characters" if self.type == MessageType.TEXT else "bytes"
        return f"<Message {self.type.name}, {len(self.data)} {unit}>"


class Stamped:
    """A queued entry that knows when it arrived.

    A stamp for each of them, not for each read: whatever is dropped, replaced or given back
    takes its own along.
    """

    _entry: Any
    _received_at: float | None

    def __len__(self) -> int:
        return len(self._entry)


def stamp(queue: list[Any], start: int, received_at: float | None) -> None:
    """Stamp the entries from `start` on with the time of the read that brought them."""
    for index in range(start, len(queue)):
        # Not `__init__`, which would parse its arguments for each message.
        stamped = Stamped.__new__(Stamped)
        stamped._entry = queue[index]
        stamped._received_at = received_at
        queue[index] = stamped


def unstamped(entry: Any) -> Any:
    """Return an entry as it came."""
    if isinstance(entry, Stamped):
        stamped: Stamped = entry
        return stamped._entry
    return entry


def stamp_of(entry: Any) -> float | None:
    """Return when an entry arrived, `None` if it was not stamped."""
    if isinstance(entry, Stamped):
        stamped: Stamped = entry
        return stamped._received_at
    return None
