"""Counts connections for monitoring; `prometheus` and `opentelemetry` read the counters."""

from __future__ import annotations

from ._connections import ConnectionMetrics

__all__ = ["ConnectionMetrics"]
