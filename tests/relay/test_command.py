"""`wirespeed relay`, as users run it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from relay.exchange import Exchange
from relay.jetstream import FOUND, MISSING, JetStream

from wirespeed.__main__ import main

pytestmark = [pytest.mark.loops("asyncio"), pytest.mark.deadline(60)]
needs_server = pytest.mark.skipif(not FOUND, reason=MISSING)


@asynccontextmanager
async def relaying(
    directory: Path, *options: str
) -> AsyncIterator[tuple[Process, Exchange, JetStream]]:
    """Run the command with the feed `a` of an exchange, and wait until it is connected."""
    server = JetStream(directory)
    await server.start()
    try:
        async with Exchange() as exchange:
            process = await start(directory, exchange, server, *options)
            try:
                await exchange.wait_for("a", 1)
                yield process, exchange, server
            finally:
                if process.returncode is None:
                    process.kill()
                await process.communicate()
    finally:
        await server.stop()


async def start(directory: Path, exchange: Exchange, server: JetStream, *options: str) -> Process:
    """Start the command."""
    file = directory / "relay.toml"
    file.write_text(
        f"""
        workers = 1
        [nats]
        servers = ["{server.url}"]
        subjects = ["feeds.>"]
        [[feed]]
        name = "a"
        url = "{exchange.url("a")}"
        reconnect = {{initial = 0.01, maximum = 0.1}}
        """,
        encoding="utf-8",
    )
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wirespeed", "relay", str(file), *options),
        stdout=PIPE,
        stderr=PIPE,
    )


async def line_with(process: Process, name: str, least: int) -> dict[str, Any]:
    """Return the first JSON line in which a figure is large enough."""
    assert process.stdout is not None
    async for line in process.stdout:
        read: dict[str, Any] = json.loads(line)
        if read[name] >= least:
            return read
    raise AssertionError(f"there was no line with {name} = {least}")


@needs_server
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_figures_as_lines_and_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    async with relaying(tmp_path, "--json-lines") as (process, exchange, server):
        exchange.send("a", 10)
        line = await line_with(process, "published", 10)
        assert (line["feed"], line["connected"], line["connections"]) == ("a", True, 1)
        assert (line["messages"], line["unacknowledged"], line["dropped"]) == (10, 0, 0)
        assert {"time", "delay", "queued", "rejected", "repeated", "message_bytes"} <= set(line)
        assert {"messages_per_second", "bytes_per_second"} <= set(line)
        process.send_signal(number)
        _, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b"")
        assert len(await server.messages()) == 10


@needs_server
async def test_the_end_waits_for_acknowledgements(tmp_path: Path) -> None:
    async with relaying(tmp_path, "--json-lines") as (process, exchange, server):
        exchange.send("a", 1)
        await line_with(process, "published", 1)
        server.pause()
        exchange.send("a", 4)
        await line_with(process, "unacknowledged", 4)
        process.send_signal(signal.SIGTERM)
        # It takes no more from the feed, and waits.
        await exchange.wait_for("a", 0)
        assert process.returncode is None
        server.resume()
        await process.communicate()
        assert process.returncode == 0
        assert len(await server.messages()) == 5


@needs_server
async def test_the_workers_end_with_their_parent(tmp_path: Path) -> None:
    async with relaying(tmp_path) as (process, exchange, _server):
        process.kill()
        await exchange.wait_for("a", 0)


@needs_server
async def test_prometheus_can_scrape_it(tmp_path: Path) -> None:
    async with relaying(tmp_path, "--json-lines", "--prometheus", "0") as (process, exchange, _):
        assert process.stderr is not None
        told = re.fullmatch(
            rb"metrics: (http://127\.0\.0\.1:\d+/metrics)\n", await process.stderr.readline()
        )
        assert told is not None
        exchange.send("a", 3)
        await line_with(process, "published", 3)
        text = await asyncio.to_thread(scrape, told[1].decode())
        found = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.labels in ({"feed": "a"}, {})
        }
        delay = found.pop("wirespeed_relay_delay_seconds")
        assert delay > 0
        size = found.pop("wirespeed_relay_message_bytes_total")
        assert size == sum(len(json.dumps({"feed": "a", "number": n})) for n in (1, 2, 3))
        assert found == {
            "wirespeed_relay_messages_total": 3,
            "wirespeed_relay_published_total": 3,
            "wirespeed_relay_connections_total": 1,
            "wirespeed_relay_dropped_total": 0,
            "wirespeed_relay_rejected_total": 0,
            "wirespeed_relay_repeated_total": 0,
            "wirespeed_relay_connected": 1,
            "wirespeed_relay_queued": 0,
            "wirespeed_relay_unacknowledged": 0,
            "wirespeed_relay_worker_restarts_total": 0,
        }


def scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        read: bytes = answer.read()
    return read.decode()


def test_settings_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relay", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err
    file = tmp_path / "relay.toml"
    file.write_text("workers = 2", encoding="utf-8")
    assert main(["relay", str(file)]) == 2
    assert capsys.readouterr().err == f"wirespeed: {file}: there is no [[feed]]\n"


def test_a_file_and_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "relay.toml"
    assert main(["relay", str(file), "--url", "ws://127.0.0.1/"]) == 2
    assert "leave out the options" in capsys.readouterr().err
    assert main(["relay", "--name", "a"]) == 2
    assert "--url" in capsys.readouterr().err
    assert main(["relay", "--url", "ws://127.0.0.1/", "--overflow", "wait"]) == 2
    assert "overflow is one of" in capsys.readouterr().err


@needs_server
async def test_a_single_feed_by_options(tmp_path: Path) -> None:
    server = JetStream(tmp_path)
    await server.start()
    try:
        async with Exchange() as exchange:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "wirespeed", "relay", "--json-lines"),
                *("--url", exchange.url("a"), "--name", "a", "--header", "X-A: 1"),
                *("--on-open", "hello", "--server", server.url, "--subject", "feeds.{feed}"),
                *("--standby", "2", "--key", "/number"),
                stdout=PIPE,
                stderr=PIPE,
            )
            try:
                await exchange.wait_for("a", 2)
                exchange.send("a", 5)
                line = await line_with(process, "published", 10)
                assert (line["feed"], line["connections"]) == ("a", 2)
                assert len(await server.messages()) == 5
            finally:
                process.terminate()
                await process.communicate()
            assert process.returncode == 0
    finally:
        await server.stop()


@pytest.mark.parametrize("package", ["nats", "rich.live", "prometheus_client"])
def test_a_package_that_is_missing(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("wirespeed.relay.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delattr("wirespeed.relay._command", raising=False)
    assert main(["relay", "relay.toml"]) == 1
    assert capsys.readouterr().err == (
        f'wirespeed: {package} is missing: pip install "wirespeed[relay]"\n'
    )


@needs_server
async def test_feeds_that_can_never_be_connected(tmp_path: Path) -> None:
    server = JetStream(tmp_path)
    await server.start()
    try:
        file = tmp_path / "relay.toml"
        file.write_text(
            f"""
            workers = 1
            nats = {{servers = ["{server.url}"], subjects = ["feeds.>"]}}
            [[feed]]
            name = "a"
            url = "ws://127.0.0.1:1/"
            reconnect = {{give_up_after = 0.01}}
            """,
            encoding="utf-8",
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wirespeed", "relay", str(file)), stderr=PIPE
        )
        _, errors = await process.communicate()
    finally:
        await server.stop()
    assert process.returncode == 1
    assert b"feed a is given up" in errors
    assert errors.endswith(b"wirespeed: worker 0 cannot go on\n")


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        file = tmp_path / "relay.toml"
        file.write_text("[[feed]]\nname = 'a'\nurl = 'ws://127.0.0.1:1/'\n", encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wirespeed", "relay", str(file), "--prometheus", str(port)),
            stderr=PIPE,
        )
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"in use" in errors


def test_windows_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["relay", "relay.toml"]) == 2
    assert capsys.readouterr().err == "wirespeed: the relay runs on Linux and macOS only\n"
