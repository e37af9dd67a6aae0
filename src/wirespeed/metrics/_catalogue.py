"""What is measured: each metric's names, unit and text, and how connections are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["COUNTERS", "METRICS", "Metric"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        key: its name in what `ConnectionMetrics.read` returns. For a counter that is the field of
            `Stats`, or "opened".
        kind: a counter never goes down while the process lives.
        name: its name for OpenTelemetry; with "_" for "." it is the one for Prometheus.
        unit: the unit: "" for a count of `counted`.
        counted: what is counted, in the singular.
        text: what it says.
    """

    key: str
    kind: Literal["counter", "gauge"]
    name: str
    unit: Literal["", "bytes", "seconds"]
    counted: str
    text: str


METRICS: Final = (
    Metric("open", "gauge", "connections", "", "connection", "Connections that are open."),
    Metric(
        "opened", "counter", "connections.opened", "", "connection", "Connections that were opened."
    ),
    Metric(
        "messages_received",
        "counter",
        "messages.received",
        "",
        "message",
        "Messages that arrived, dropped ones included.",
    ),
    Metric("messages_sent", "counter", "messages.sent", "", "message", "Messages that were sent."),
    Metric(
        "messages_dropped",
        "counter",
        "messages.dropped",
        "",
        "message",
        "Messages that were dropped because the queue was full, or replaced by newer ones.",
    ),
    Metric(
        "frames_received",
        "counter",
        "frames.received",
        "",
        "frame",
        "Frames that arrived, control frames included.",
    ),
    Metric(
        "frames_sent",
        "counter",
        "frames.sent",
        "",
        "frame",
        "Frames that were sent, control frames included.",
    ),
    Metric(
        "wire_bytes_received",
        "counter",
        "wire.received",
        "bytes",
        "",
        "Bytes that were read, without the overhead of TLS.",
    ),
    Metric(
        "wire_bytes_sent",
        "counter",
        "wire.sent",
        "bytes",
        "",
        "Bytes that were written, without the overhead of TLS.",
    ),
    Metric(
        "payload_bytes_received",
        "counter",
        "payload.received",
        "bytes",
        "",
        "Payload of the received frames, compressed data before it is inflated.",
    ),
    Metric(
        "payload_bytes_sent",
        "counter",
        "payload.sent",
        "bytes",
        "",
        "Payload of the sent frames, after compression.",
    ),
    Metric("writes", "counter", "writes", "", "write", "Writes to the transport."),
    Metric("pings_received", "counter", "pings.received", "", "ping", "Pings that arrived."),
    Metric("pings_sent", "counter", "pings.sent", "", "ping", "Pings that were sent."),
    Metric("pongs_received", "counter", "pongs.received", "", "pong", "Pongs that arrived."),
    Metric("pongs_sent", "counter", "pongs.sent", "", "pong", "Pongs that were sent."),
    Metric(
        "pauses",
        "counter",
        "read.pauses",
        "",
        "pause",
        "How often reading was paused because a queue was full.",
    ),
    Metric(
        "seconds_paused",
        "counter",
        "read.paused",
        "seconds",
        "",
        "How long reading was paused because a queue was full.",
    ),
    Metric(
        "queue_depth",
        "gauge",
        "queue.messages",
        "",
        "message",
        "Messages that wait to be received on open connections.",
    ),
    Metric(
        "max_queue_depth",
        "gauge",
        "queue.messages.max",
        "",
        "message",
        "The deepest queue that an open connection has had.",
    ),
    Metric(
        "round_trip",
        "gauge",
        "round_trip",
        "seconds",
        "",
        "The longest of the average round trips of open connections.",
    ),
    Metric(
        "last_received",
        "gauge",
        "last_received.timestamp",
        "seconds",
        "",
        "When bytes last arrived on any connection, in Unix time.",
    ),
)

# The fields of `Stats` that only grow.
COUNTERS: Final = tuple(
    metric.key for metric in METRICS if metric.kind == "counter" and metric.key != "opened"
)
