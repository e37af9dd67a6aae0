"""A snapshot of a connection's counters. Public name: `Stats`.

Does no counting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .latency import Latency

__all__ = ["Stats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """A snapshot of a connection's counters, which begin when the connection is open.

    The opening handshake and the overhead of TLS are not counted. A frame counts as sent once it
    is built, which it is when the send returns. Wire bytes are the bytes given to the transport.
    `frames_sent / writes` shows how well sends are coalesced.

    Attributes:
        messages_received: messages that arrived, dropped ones included. A message that is
            received in chunks is counted at its end.
        messages_sent: messages that were sent.
        frames_received: frames that arrived in full, control frames included (RFC 6455
            section 5.2).
        frames_sent: frames that were sent, control frames included.
        wire_bytes_received: bytes read, headers included.
        wire_bytes_sent: bytes written, headers and masking keys included.
        payload_bytes_received: payload bytes of the received frames, as they arrived: compressed
            data is counted before it is inflated (RFC 7692).
        payload_bytes_sent: payload bytes of the sent frames, after compression.
        queue_depth: messages that wait to be received.
        max_queue_depth: the largest number of messages left in the queue after a socket read.
            It is taken after waiting tasks got their messages and the bounds were enforced.
        pauses: how often reading was paused because the queue was full, or because more of a
            message had arrived than was wanted.
        seconds_paused: the total length of these pauses in seconds, up to now.
        messages_dropped: `dropped.messages` of the connection.
        bytes_dropped: `dropped.bytes` of the connection; characters, for text.
        writes: the number of writes to the transport.
        pings_received: Pings of the server (RFC 6455 section 5.5.2).
        pongs_received: Pongs of the server, unsolicited ones included.
        pings_sent: Pings sent, those of keep-alive included.
        pongs_sent: Pongs sent. A Ping that was followed by a newer one may have no Pong (RFC 6455
            section 5.5.3).
        latency: the last round trip and the moving average, in seconds; `None` before the first
            round trip.
        last_received_at: when bytes were last read from the socket, in seconds of
            `time.monotonic()`; `None` before the first read.
        last_sent_at: when the transport was last written to, by the same clock; `None` before
            the first write. Reads and writes of keep-alive count too.
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
