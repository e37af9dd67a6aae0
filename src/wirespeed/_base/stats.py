"""What a connection has done so far, in numbers.

Knows nothing of what counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .latency import Latency

__all__ = ["Stats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """A snapshot of a connection's counters, from the opening of the connection on.

    The opening handshake is not in them, nor what TLS adds. A frame counts as sent once it is
    on its way, which it is when the send returns; wire bytes are those that the transport was
    given. `frames_sent / writes` tells how well sends are coalesced.

    Attributes:
        messages_received: messages that arrived, also those that were dropped; what is received
            in chunks counts with its end.
        messages_sent: messages that were sent.
        frames_received: frames that arrived in full, control frames included (RFC 6455
            section 5.2).
        frames_sent: frames that were sent, control frames included.
        wire_bytes_received: bytes read, headers included.
        wire_bytes_sent: bytes written, headers and masking keys included.
        payload_bytes_received: the payload of the frames received, as it came: compressed data
            is not inflated (RFC 7692).
        payload_bytes_sent: the payload of the frames sent, as it went: after compressing.
        queue_depth: messages that wait to be received.
        max_queue_depth: the most that were ever left waiting after a socket read, when those
            who waited had been served and the bounds of the queue were kept.
        pauses: how often reading was held back because the queue was full, or more of a message
            had arrived than was wanted.
        seconds_paused: for how many seconds in all, up to now.
        messages_dropped: `dropped.messages` of the connection.
        bytes_dropped: `dropped.bytes` of the connection; characters, for text.
        writes: how often the transport was written to.
        pings_received: Pings of the server (RFC 6455 section 5.5.2).
        pongs_received: Pongs of the server, also unasked ones.
        pings_sent: Pings sent, those of keep-alive included.
        pongs_sent: Pongs sent; a Ping that was followed by a newer one may have none (RFC 6455
            section 5.5.3).
        latency: the last round trip and their moving average, in seconds; `None` before the
            first.
        last_received_at: when the last bytes were read from the socket, in seconds of
            `time.monotonic()`; `None` before the first.
        last_sent_at: when the transport was written to last, by the same clock; `None` before
            the first time. What keep-alive reads and writes counts, too.
    """

    messages_received: int
    messages_sent: int
    frames_received: int
    frames_sent: int
    wire_bytes_received: int
    wire_bytes_sent: int
    payload_bytes_received: int
    payload_bytes_sent: int
    queue_depth: int
    max_queue_depth: int
    pauses: int
    seconds_paused: float
    messages_dropped: int
    bytes_dropped: int
    writes: int
    pings_received: int
    pongs_received: int
    pings_sent: int
    pongs_sent: int
    latency: Latency | None
    last_received_at: float | None
    last_sent_at: float | None
