"""The counters of a connection, which each part keeps for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base.stats import Stats

if TYPE_CHECKING:
    from .._base.latency import Latency
    from .._channel import Channel


def counted(channel: Channel, latency: Latency | None) -> Stats:
    """Return a snapshot of the counters.

    Args:
        channel: the data path.
        latency: the round trips of its Pings.
    """
    parser, outbox, read_flow = channel._parser, channel._outbox, channel._read_flow
    pending, dropped = channel.pending, channel.dropped
    return Stats(
        messages_received=channel._received,
        messages_sent=outbox.messages(),
        frames_received=parser.frames,
        frames_sent=outbox._builder.frames,
        wire_bytes_received=read_flow._bytes,
        wire_bytes_sent=outbox._written_bytes,
        payload_bytes_received=parser.payload_bytes,
        payload_bytes_sent=outbox._builder.payload_bytes,
        queue_depth=pending.messages,
        max_queue_depth=max(channel._inbox._deepest, pending.messages),
        pauses=read_flow._pauses,
        seconds_paused=read_flow.seconds_held(),
        messages_dropped=dropped.messages,
        bytes_dropped=dropped.bytes,
        writes=outbox._writes,
        pings_received=parser.pings,
        pongs_received=parser.pongs,
        pings_sent=outbox._pings,
        pongs_sent=outbox._pongs,
        latency=latency,
        last_received_at=read_flow._arrived_at or None,
        last_sent_at=outbox._wrote_at or None,
    )
