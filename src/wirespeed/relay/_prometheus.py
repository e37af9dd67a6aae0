"""The figures of a relay for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from ._receiving import FeedStatus

_COUNTERS: Final[dict[str, tuple[str, Callable[[FeedStatus], float]]]] = {
    "messages": ("Messages received.", lambda status: status.messages),
    "message_bytes": ("Bytes of the messages received.", lambda status: status.message_bytes),
    "dropped": ("Messages dropped by the overflow policy.", lambda status: status.dropped),
    "connections": ("Connections opened.", lambda status: status.connections),
    "published": ("Messages acknowledged.", lambda status: status.progress.published),
    "rejected": ("Messages refused for good.", lambda status: status.progress.rejected),
    "repeated": ("Times that a message was sent again.", lambda status: status.progress.repeated),
}
_GAUGES: Final[dict[str, tuple[str, Callable[[FeedStatus], float]]]] = {
    "connected": ("Whether a connection is open.", lambda status: status.connected),
    "queued": ("Messages that wait to be published.", lambda status: status.queued),
    "unacknowledged": (
        "Messages sent and not acknowledged yet.",
        lambda status: status.progress.unacknowledged,
    ),
    "delay_seconds": (
        "Seconds from the arrival of the last acknowledged message to its acknowledgement.",
        lambda status: status.progress.delay,
    ),
}


class Collector:
    """Makes metrics of the figures, whenever it is scraped.

    Args:
        statuses: returns the figures of each feed.
        restarts: returns how often workers were started again.
    """

    def __init__(
        self, statuses: Callable[[], Sequence[FeedStatus]], restarts: Callable[[], int]
    ) -> None:
        self._statuses = statuses
        self._restarts = restarts

    def collect(self) -> Iterator[Any]:
        """Yield each metric with its values."""
        statuses = self._statuses()
        for name, (text, value) in _COUNTERS.items():
            counter = CounterMetricFamily(f"wirespeed_relay_{name}", text, labels=["feed"])
            for status in statuses:
                counter.add_metric([status.feed], value(status))
            yield counter
        for name, (text, value) in _GAUGES.items():
            gauge = GaugeMetricFamily(f"wirespeed_relay_{name}", text, labels=["feed"])
            for status in statuses:
                gauge.add_metric([status.feed], value(status))
            yield gauge
        yield CounterMetricFamily(
            "wirespeed_relay_worker_restarts",
            "Times that a worker was started again.",
            value=self._restarts(),
        )


def start_endpoint(collector: Collector, host: str, port: int) -> int:
    """Serve the metrics; return the port.

    Args:
        collector: makes the metrics.
        host: the address to listen on.
        port: the port; 0 for one that the system chooses.

    Raises:
        OSError: it cannot listen there.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    server, _thread = start_http_server(port, addr=host, registry=registry)
    chosen: int = server.server_port
    return chosen
