"""Tells whether what was written before a certain moment has left, or is leaving.

A slow link is not a dead one: as long as bytes leave, somebody acknowledges them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from .._base.transport_info import count_unacknowledged, extra_info

if TYPE_CHECKING:
    from .._channel import Channel

# While something is leaving, it is looked at this many times per time limit.
DEPARTURE_LOOKS: Final = 8


class Departure:
    """The bytes that had been written, and had not left, when this was made.

    On Linux, bytes have left when the peer's system has acknowledged them. Elsewhere they have left
    when the transport has passed them to the operating system.
    """

    __slots__ = ("_channel", "_goal", "_left")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._goal = channel._outbox._written_bytes
        self._left = min(_count_left(channel), self._goal)

    def is_over(self) -> bool:
        """Return whether everything had left at the last look."""
        return self._left >= self._goal

    def look(self) -> int:
        """Return how many of the bytes have left since the last look."""
        before = self._left
        self._left = max(before, min(_count_left(self._channel), self._goal))
        return self._left - before


def _count_left(channel: Channel) -> int:
    """Count the bytes that have left since the connection was opened."""
    transport: Any = channel._transport
    waiting = 0
    # Not every transport answers, in particular not after its end.
    with contextlib.suppress(Exception):
        waiting += transport.get_write_buffer_size()
        waiting += count_unacknowledged(extra_info(transport, "socket").fileno())
    return channel._outbox._written_bytes - waiting
