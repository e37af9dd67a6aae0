"""The headers of a published message."""

from __future__ import annotations

from typing import Final

from ._record import Record

# JetStream itself drops a message whose id is known already.
MESSAGE_ID: Final = "Nats-Msg-Id"
FEED: Final = "Wirespeed-Feed"
CONNECTION: Final = "Wirespeed-Connection"
SEQUENCE: Final = "Wirespeed-Sequence"
RECEIVED_AT: Final = "Wirespeed-Received-At"
TEXT: Final = "Wirespeed-Text"


def headers_of(record: Record) -> dict[str, str]:
    """Return the headers of a record's message."""
    return {
        MESSAGE_ID: record.message_id,
        FEED: record.feed,
        CONNECTION: record.connection,
        SEQUENCE: str(record.sequence),
        RECEIVED_AT: f"{record.received_at:.6f}",
        **({TEXT: "1"} if record.is_text else {}),
    }
