"""Where messages may be missing, for the reader of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._headers import CONNECTION, FEED, RECEIVED_AT, SEQUENCE


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a feed where messages are missing, or may be.

    Attributes:
        feed: the name of the feed.
        dropped: how many messages the overflow policy has dropped here; `None` if the feed was
            connected anew: then it is not known how many messages there were in between.
        after: when the last message before the gap arrived, in seconds since 1970.
        before: when the first message behind it arrived.
    """

    feed: str
    dropped: int | None
    after: float
    before: float


@dataclass(frozen=True, slots=True)
class _Place:
    connection: str
    sequence: int
    received_at: float


class GapFinder:
    """Finds the gaps in the messages of a stream, read in their order.

    For feeds with `standby = 1`. With two connections a feed, the second one fills the gaps of the
    first, and only the messages themselves can tell whether one is missing.
    """

    def __init__(self) -> None:
        self._last: dict[str, _Place] = {}

    def look(self, headers: Mapping[str, str]) -> Gap | None:
        """Return the gap before a message, or `None`.

        Args:
            headers: the headers of the message.

        Raises:
            KeyError: this is no message of a relay.
        """
        feed = headers[FEED]
        place = _Place(headers[CONNECTION], int(headers[SEQUENCE]), float(headers[RECEIVED_AT]))
        last = self._last.get(feed)
        if last is not None and last.connection == place.connection:
            if place.sequence <= last.sequence:
                # Sent again, and late.
                return None
            dropped: int | None = place.sequence - last.sequence - 1
        else:
            dropped = None
        self._last[feed] = place
        if last is None or dropped == 0:
            return None
        return Gap(feed, dropped, last.received_at, place.received_at)
