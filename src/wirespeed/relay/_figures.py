"""Figures of the feeds over time: what has changed a second, as rows and as JSON lines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ._receiving import FeedStatus


@dataclass(frozen=True, slots=True)
class Row:
    """One feed between two looks.

    Attributes:
        status: the figures of the second look.
        messages_per_second: received.
        bytes_per_second: received.
    """

    status: FeedStatus
    messages_per_second: float
    bytes_per_second: float


class Rates:
    """Makes rows of figures, with what has changed since the last ones."""

    def __init__(self) -> None:
        self._last: dict[str, FeedStatus] = {}
        self._at = time.monotonic()

    def rows(self, statuses: Sequence[FeedStatus]) -> list[Row]:
        """Return a row for each feed; the first ones have no rates yet."""
        now = time.monotonic()
        seconds = now - self._at
        rows = [self._row(status, seconds) for status in statuses]
        self._last = {status.feed: status for status in statuses}
        self._at = now
        return rows

    def _row(self, status: FeedStatus, seconds: float) -> Row:
        last = self._last.get(status.feed)
        if last is None or seconds <= 0:
            return Row(status, 0.0, 0.0)
        # A worker that was killed takes its last figures with it.
        messages = max(status.messages - last.messages, 0)
        size = max(status.message_bytes - last.message_bytes, 0)
        return Row(status, messages / seconds, size / seconds)


def json_line(row: Row) -> str:
    """Return a row as one line of JSON."""
    fields = asdict(row.status)
    progress = fields.pop("progress")
    return json.dumps(
        {
            "time": round(time.time(), 3),
            **fields,
            **progress,
            "messages_per_second": round(row.messages_per_second, 1),
            "bytes_per_second": round(row.bytes_per_second, 1),
        }
    )
