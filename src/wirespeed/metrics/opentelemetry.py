"""Observable instruments for OpenTelemetry; needs the extra `opentelemetry`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from .._base.version import __version__
from ._catalogue import METRICS, Metric
from ._connections import ConnectionMetrics

__all__ = ["observe"]

_UNITS: Final = {"bytes": "By", "seconds": "s"}


def observe(metrics: ConnectionMetrics, meter: Meter | None = None) -> None:
    """Make the instruments that observe `metrics`, for as long as the meter lives.

    Args:
        metrics: what is observed.
        meter: makes the instruments; `None` for a meter of the global provider.
    """
    own = get_meter("wirespeed", __version__) if meter is None else meter
    for metric in METRICS:
        make = (
            own.create_observable_counter
            if metric.kind == "counter"
            else own.create_observable_gauge
        )
        make(
            f"wirespeed.{metric.name}",
            callbacks=[_callback(metrics, metric)],
            unit=_UNITS.get(metric.unit, f"{{{metric.counted}}}"),
            description=metric.text,
        )


def _callback(
    metrics: ConnectionMetrics, metric: Metric
) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def observed(options: CallbackOptions) -> Iterator[Observation]:
        for name, group in metrics.read().items():
            if metric.key in group:
                yield Observation(group[metric.key], {"name": name})

    return observed
