"""The examples of docs/metrics.md run, and its table has every metric."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import prometheus_client
import pytest

import wirespeed
from wirespeed.metrics import ConnectionMetrics
from wirespeed.metrics._catalogue import METRICS
from wirespeed.metrics.prometheus import PrometheusCollector
from wirespeed.testing import ServerConnection, serve

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LABELS = {"name": "ticks"}
PROMETHEUS, OPENTELEMETRY = BLOCK.findall(PAGE)


async def test_the_example_for_prometheus(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = prometheus_client.CollectorRegistry()
    monkeypatch.setattr(prometheus_client, "REGISTRY", registry)
    names: dict[str, Any] = {}
    exec(PROMETHEUS, names)
    arrived = asyncio.Event()

    async def script(client: ServerConnection) -> None:
        await client.send("tick")
        await client.ping()
        arrived.set()
        # The program is cancelled, and may not have time to close.
        with contextlib.suppress(wirespeed.ConnectionDisconnected):
            await client.receive()

    async with serve(script) as url:
        running = asyncio.create_task(names["run"](url))
        await arrived.wait()
        assert registry.get_sample_value("wirespeed_messages_received_total", LABELS) == 1
        running.cancel()
        await asyncio.wait([running])


def test_the_example_for_opentelemetry() -> None:
    names: dict[str, Any] = {}
    exec(OPENTELEMETRY, names)
    assert isinstance(names["metrics"], ConnectionMetrics)


def test_the_table_has_every_metric() -> None:
    rows = re.findall(r"^\| `(wirespeed_\w+)` \| (\w+) \| `(\S+)` \| (.+) \|$", PAGE, re.MULTILINE)
    families = list(PrometheusCollector(ConnectionMetrics()).describe())
    expected = [
        (
            family.name + ("_total" if metric.kind == "counter" else ""),
            metric.kind,
            f"wirespeed.{metric.name}",
            metric.text,
        )
        for family, metric in zip(families, METRICS, strict=True)
    ]
    assert rows == expected
