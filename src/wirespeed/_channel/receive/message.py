"""A received message, and the queue entry that stands for it when arrivals are timed.

Does not queue messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..._base.rfc6455 import Binary, MessageType


class Message:
    """A received message. It unpacks to type and data; `==` compares these two.

    Attributes:
        type: `MessageType.TEXT` or `MessageType.BINARY`.
        data: `str` for text (`bytes` with `decode_text=False`), `bytes` for binary.
        received_at: the time of the socket read that completed the message, in seconds of
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

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.type, self.data, self.received_at)

    def __repr__(self) -> str:
        unit = "characters" if self.type == MessageType.TEXT else "bytes"
        return f"<Message {self.type.name}, {len(self.data)} {unit}>"


if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    # Only type checkers see these two: with `message.type is MessageType.TEXT` they know the type
    # of `message.data`. That of text is `bytes` if the program chose `decode_text=False`.

    class TextMessage(Message):
        """A text message."""

        type: Literal[MessageType.TEXT]
        data: str

    class BinaryMessage(Message):
        """A binary message."""

        type: Literal[MessageType.BINARY]
        data: bytes

    Received: TypeAlias = TextMessage | BinaryMessage


class Stamped:
    """A queued entry with its time of arrival.

    Each entry has its own stamp, not each read. So an entry that is dropped, replaced or given
    back keeps its stamp.
    """

    _entry: Any
    _received_at: float | None

    def __len__(self) -> int:
        return len(self._entry)


def stamp(queue: list[Any], start: int, received_at: float | None) -> None:
    """Stamp the entries from `start` on with the time of the read that brought them."""
    for index in range(start, len(queue)):
        # Not in `__init__`, which would parse its arguments for each message.
        stamped = Stamped.__new__(Stamped)
        stamped._entry = queue[index]
        stamped._received_at = received_at
        queue[index] = stamped


def unstamped(entry: Any) -> Any:
    """Return an entry without its stamp."""
    if isinstance(entry, Stamped):
        stamped: Stamped = entry
        return stamped._entry
    return entry


def stamp_of(entry: Any) -> float | None:
    """Return the time at which an entry arrived; `None` if it was not stamped."""
    if isinstance(entry, Stamped):
        stamped: Stamped = entry
        return stamped._received_at
    return None


def bare_data(entry: Any) -> Any:
    """Return the data of a queued entry."""
    entry = unstamped(entry)
    return entry.data if isinstance(entry, Binary) else entry
