"""The dashboard of `wirespeed relay` in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from ._figures import Row

_HEADINGS: Final = (
    "feed",
    "connected",
    "messages/s",
    "KiB/s",
    "delay ms",
    "queued",
    "unacknowledged",
    "published",
    "dropped",
    "rejected",
    "repeated",
    "connections",
)


def table(rows: Sequence[Row], restarts: int) -> Table:
    """Return the table of the feeds."""
    made = Table(
        title="wirespeed relay",
        caption=f"workers started again: {restarts}",
        expand=False,
    )
    for heading in _HEADINGS:
        made.add_column(heading, justify="left" if heading in {"feed", "connected"} else "right")
    for row in rows:
        status = row.status
        progress = status.progress
        made.add_row(
            status.feed,
            _plain(status.error) if status.error else "yes" if status.connected else "no",
            f"{row.messages_per_second:,.0f}",
            f"{row.bytes_per_second / 1024:,.1f}",
            f"{progress.delay * 1000:,.1f}",
            *(f"{number:,}" for number in (status.queued, progress.unacknowledged)),
            *(f"{number:,}" for number in (progress.published, status.dropped)),
            *(f"{number:,}" for number in (progress.rejected, progress.repeated)),
            f"{status.connections:,}",
            style="" if status.connected else "red",
        )
    return made


def _plain(error: str) -> Text:
    """Return a text from elsewhere without markup and control characters."""
    return Text("".join(char if char.isprintable() else "?" for char in error))
