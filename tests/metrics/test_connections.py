"""What `wirespeed.metrics` counts, read with the real `prometheus_client`."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
import urllib.request
import weakref
from collections.abc import Iterator

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

import wirespeed
from wirespeed.metrics import ConnectionMetrics, _connections
from wirespeed.metrics.prometheus import PrometheusCollector
from wirespeed.testing import ServerConnection, refuse, serve

Values = dict[tuple[str, str], float]


class Scraper:
    """Metrics in a registry of their own, and what a scrape of it tells."""

    def __init__(self) -> None:
        self.metrics = ConnectionMetrics()
        self.registry = prometheus_client.CollectorRegistry()
        self.registry.register(PrometheusCollector(self.metrics))

    def scrape(self) -> Values:
        """Return the value of each series, by its name and the label `name`."""
        return values_in(prometheus_client.generate_latest(self.registry).decode())


def values_in(text: str) -> Values:
    return {
        (sample.name.removeprefix("wirespeed_"), sample.labels["name"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name.startswith("wirespeed_")
    }


@pytest.fixture
def scraper() -> Scraper:
    return Scraper()


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


async def test_the_values_are_those_of_stats(scraper: Scraper) -> None:
    kind = scraper.metrics.connections("feed")
    async with serve(echo) as url, wirespeed.connect(url, create_connection=kind) as ws:
        await ws.send_many(["a", "bb", b"ccc"])
        await (await ws.ping())
        assert await ws.receive_text() == "a"
        values, stats = scraper.scrape(), ws.stats
        expected = {
            "connections": 1,
            "connections_opened_total": 1,
            "messages_received_total": 3,
            "messages_sent_total": 3,
            "messages_dropped_total": 0,
            "frames_received_total": stats.frames_received,
            "frames_sent_total": stats.frames_sent,
            "wire_received_bytes_total": stats.wire_bytes_received,
            "wire_sent_bytes_total": stats.wire_bytes_sent,
            "payload_received_bytes_total": stats.payload_bytes_received,
            "payload_sent_bytes_total": stats.payload_bytes_sent,
            "writes_total": stats.writes,
            "pings_received_total": 0,
            "pings_sent_total": 1,
            "pongs_received_total": 1,
            "pongs_sent_total": 0,
            "read_pauses_total": stats.pauses,
            "read_paused_seconds_total": stats.seconds_paused,
            "queue_messages": 2,
            "queue_messages_max": stats.max_queue_depth,
        }
        assert stats.latency is not None
        assert values.pop(("round_trip_seconds", "feed")) == stats.latency.smoothed
        assert values.pop(("last_received_timestamp_seconds", "feed")) > 1e9
        assert values == {(name, "feed"): value for name, value in expected.items()}


def test_names_and_units_follow_the_conventions(scraper: Scraper) -> None:
    families = list(PrometheusCollector(scraper.metrics).describe())
    assert len(families) == 22
    for family in families:
        assert re.fullmatch(r"wirespeed_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert family.unit in ("", "bytes", "seconds")
        assert family.name.endswith(family.unit)
    text = prometheus_client.generate_latest(scraper.registry).decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert len(kinds) == len(families)
    for name, kind in kinds.items():
        assert (kind == "counter") == name.endswith("_total")


async def test_ended_connections_count_and_do_not_stay(scraper: Scraper) -> None:
    kind = scraper.metrics.connections("feed")
    gone = []
    async with serve(echo) as url:
        for count in range(1, 4):
            async with wirespeed.connect(url, create_connection=kind) as ws:
                await ws.send("x")
                await ws.receive()
            sent = ws.stats.frames_sent
            gone.append(weakref.ref(ws))
            del ws
            gc.collect()
            values = scraper.scrape()
            assert values["connections", "feed"] == 0
            assert values["connections_opened_total", "feed"] == count
            assert values["messages_received_total", "feed"] == count
            assert values["frames_sent_total", "feed"] == count * sent
    assert [ref() for ref in gone] == [None] * 3


async def test_ended_connections_do_not_pile_up_without_a_scrape(scraper: Scraper) -> None:
    kind = scraper.metrics.connections("feed")
    async with serve(echo) as url:
        for _ in range(10):
            async with wirespeed.connect(url, create_connection=kind):
                pass
            gc.collect()
    assert len(scraper.metrics._members) + len(scraper.metrics._gone) <= 4
    assert scraper.scrape()["connections_opened_total", "feed"] == 10


async def test_reconnecting(scraper: Scraper) -> None:
    async def lost(client: ServerConnection) -> None:
        await client.send("tick")
        async for _ in client:
            client.reset()
            return

    kind = scraper.metrics.connections("feed")
    policy = wirespeed.Reconnect(initial=0.001)
    seen: list[float] = []
    async with serve(lost, refuse(503), lost) as url:
        async for ws in wirespeed.connect(url, create_connection=kind, reconnect=policy):
            assert await ws.receive_text() == "tick"
            values = scraper.scrape()
            assert values["connections", "feed"] == 1
            seen.append(values["messages_received_total", "feed"])
            if len(seen) == 4:
                break
            await ws.send("go")
            with pytest.raises(wirespeed.ConnectionDisconnected):
                await ws.receive()
        await ws.close()
        values = scraper.scrape()
    # The refused attempt is no connection.
    assert values["connections_opened_total", "feed"] == 4
    assert seen == [1, 2, 3, 4]


async def test_names_are_kept_apart_and_equal_ones_added_up(scraper: Scraper) -> None:
    ticks, orders = scraper.metrics.connections("ticks"), scraper.metrics.connections("orders")
    again = scraper.metrics.connections("ticks")
    async with (
        serve(echo) as url,
        wirespeed.connect(url, create_connection=ticks) as one,
        wirespeed.connect(url, create_connection=again),
        wirespeed.connect(url, create_connection=orders),
    ):
        await one.send("x")
        values = scraper.scrape()
    assert (values["connections", "ticks"], values["connections", "orders"]) == (2, 1)
    assert values["messages_sent_total", "ticks"] == 1
    assert values["messages_sent_total", "orders"] == 0


def test_before_the_first_connection(scraper: Scraper) -> None:
    scraper.metrics.connections("feed")
    values = scraper.scrape()
    assert values["connections_opened_total", "feed"] == 0
    assert ("last_received_timestamp_seconds", "feed") not in values


async def test_an_exporter_in_another_thread(scraper: Scraper) -> None:
    exporter, thread = prometheus_client.start_http_server(
        0, addr="127.0.0.1", registry=scraper.registry
    )
    address = f"http://127.0.0.1:{exporter.server_port}/metrics"
    kind = scraper.metrics.connections("feed")

    def fetch() -> Values:
        with urllib.request.urlopen(address) as response:
            return values_in(response.read().decode())

    try:
        async with serve(echo) as url, wirespeed.connect(url, create_connection=kind) as ws:
            for count in range(1, 4):
                await ws.send("x")
                await ws.receive()
                values = await asyncio.to_thread(fetch)
                assert values["messages_received_total", "feed"] == count
                assert values["connections", "feed"] == 1
    finally:
        exporter.shutdown()
        exporter.server_close()
        thread.join()


async def test_an_event_loop_that_is_busy(
    scraper: Scraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_connections, "_PATIENCE_SECONDS", 0.05)
    kind = scraper.metrics.connections("feed")
    async with serve(echo) as url, wirespeed.connect(url, create_connection=kind) as ws:
        await ws.send("x")
        before = scraper.scrape()
        await ws.send("x")
        found: list[Values] = []
        thread = threading.Thread(target=lambda: found.append(scraper.scrape()))
        thread.start()
        thread.join()
        assert found[0]["messages_sent_total", "feed"] == before["messages_sent_total", "feed"] == 1
        assert scraper.scrape()["messages_sent_total", "feed"] == 2
        # The late answer of the loop does no harm.
        await asyncio.sleep(0)


def test_after_the_event_loop_has_ended(scraper: Scraper) -> None:
    kind = scraper.metrics.connections("feed")

    async def program(url: str) -> wirespeed.WebSocketConnection:
        async with wirespeed.connect(url, create_connection=kind) as ws:
            await ws.send("x")
            await ws.receive()
            return ws

    with serve(echo) as url:
        ws = asyncio.run(program(url))
    for _ in range(2):
        values = scraper.scrape()
        assert (values["connections", "feed"], values["messages_sent_total", "feed"]) == (0, 1)
    del ws
    assert scraper.scrape() == pytest.approx(values)


async def test_a_connection_that_is_dropped_unclosed_counts_once(scraper: Scraper) -> None:
    kind = scraper.metrics.connections("feed")
    ended = asyncio.Event()

    async def script(client: ServerConnection) -> None:
        await client.receive()
        with pytest.raises(wirespeed.ConnectionDisconnected):
            await client.receive()
        ended.set()

    async with serve(script) as url:
        ws = await wirespeed.connect(url, create_connection=kind)
        await ws.send("x")
        gone = weakref.ref(ws)
        # What was sent in this turn of the event loop is written at its end.
        for _ in range(3):
            await asyncio.sleep(0)
        del ws
        with pytest.warns(ResourceWarning, match="unclosed connection"):
            gc.collect()
        # It comes back to life once more, to be aborted.
        assert scraper.scrape()["messages_sent_total", "feed"] == 1
        await ended.wait()
        gc.collect()
        assert gone() is None
        assert scraper.scrape()["messages_sent_total", "feed"] == 1


async def test_a_subclass(scraper: Scraper) -> None:
    class Own(wirespeed.WebSocketConnection):
        def shout(self) -> str:
            return "hey"

    kind = scraper.metrics.connections("feed", Own)
    async with serve(echo) as url, wirespeed.connect(url, create_connection=kind) as ws:
        assert isinstance(ws, Own)
        assert ws.shout() == "hey"
        assert repr(ws) == "<Own open>"
        assert scraper.scrape()["connections", "feed"] == 1


def test_arguments(scraper: Scraper) -> None:
    with pytest.raises(TypeError, match="name must be a str, not int"):
        scraper.metrics.connections(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="kind must be"):
        scraper.metrics.connections("feed", dict)  # type: ignore[arg-type]


def points(data: object) -> Iterator[tuple[str, str, float]]:
    from opentelemetry.sdk.metrics.export import MetricsData

    assert isinstance(data, MetricsData)
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    assert point.attributes == {"name": "feed"}
                    yield metric.name, metric.unit or "", point.value  # type: ignore[union-attr]


async def test_opentelemetry() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from wirespeed.metrics.opentelemetry import observe

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    metrics = ConnectionMetrics()
    observe(metrics, provider.get_meter("tests"))
    kind = metrics.connections("feed")
    async with serve(echo) as url, wirespeed.connect(url, create_connection=kind) as ws:
        await ws.send("x")
        await ws.receive()
        found = {(name, unit): value for name, unit, value in points(reader.get_metrics_data())}
        assert found["wirespeed.connections", "{connection}"] == 1
        assert found["wirespeed.messages.received", "{message}"] == 1
        assert found["wirespeed.wire.sent", "By"] == ws.stats.wire_bytes_sent
        assert found["wirespeed.read.paused", "s"] == 0
    provider.shutdown()
