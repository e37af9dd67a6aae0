"""A collector for `prometheus_client`; needs the extra `metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ._catalogue import METRICS, Metric
from ._connections import ConnectionMetrics

__all__ = ["PrometheusCollector"]


class PrometheusCollector(Collector):
    """Collects the values of `metrics`, for `registry.register`.

    Args:
        metrics: what is collected.
    """

    def __init__(self, metrics: ConnectionMetrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Name the metrics, without values."""
        return (_family(metric) for metric in METRICS)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Read the connections."""
        values = self._metrics.read()
        for metric in METRICS:
            family = _family(metric)
            for name, group in values.items():
                if metric.key in group:
                    family.add_metric([name], group[metric.key])
            yield family


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    name = f"wirespeed_{metric.name.replace('.', '_')}"
    return kind(name, metric.text, labels=["name"], unit=metric.unit)
