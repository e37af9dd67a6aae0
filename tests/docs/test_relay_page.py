"""The examples of docs/relay.md run, and its table has every setting."""

from __future__ import annotations

import asyncio
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from relay.exchange import Exchange
from relay.jetstream import FOUND, MISSING as NO_SERVER, JetStream

from wirespeed.relay import Feed, NatsSettings, Record, Settings, headers_of, read_settings
from wirespeed.relay._config import RECONNECT
from wirespeed.relay._nats import open_nats

PAGE = (Path(__file__).parents[2] / "docs" / "relay.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
(_, TOML), (_, READER), (_, SINK) = BLOCK.findall(PAGE)
ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) ?\| ", PAGE, re.MULTILINE))


def test_the_settings_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "relay.toml"
    path.write_text(TOML, encoding="utf-8")
    settings = read_settings(path)
    assert settings.workers == 2
    assert [(feed.name, feed.standby) for feed in settings.feeds] == [("trades", 2), ("prices", 1)]


def test_the_table_has_every_setting() -> None:
    settings = [each for each in fields(Settings) if each.name not in ("feeds", "nats")]
    shown = {each.name: each for each in settings}
    shown |= {f"nats.{each.name}": each for each in fields(NatsSettings)}
    shown |= {f"feed.{each.name}": each for each in fields(Feed)}
    assert list(ROWS) == list(shown)
    for name, default in ROWS.items():
        known = shown[name].default
        if known is MISSING:
            continue
        expected = "none" if known in (None, "", ()) else known
        shape = f"{expected:g}" if isinstance(expected, float) else str(expected)
        if isinstance(expected, tuple):
            shape = ", ".join(expected)
        assert default.strip("`") == shape, name


@pytest.mark.parametrize("name", sorted(RECONNECT))
def test_the_table_has_every_setting_of_reconnecting(name: str) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith("| `feed.reconnect`")]
    assert f"`{name}`" in row


def test_the_table_has_every_header() -> None:
    record = Record("a", "feeds.a", b"", True, "1", "c", 1, 0.0)
    assert re.findall(r"^\| `([\w]+-[\w-]+)` \|", PAGE, re.MULTILINE) == list(headers_of(record))


@pytest.mark.skipif(not FOUND, reason=NO_SERVER)
@pytest.mark.loops("asyncio")
async def test_the_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = JetStream(tmp_path)
    await server.start()
    try:
        settings = NatsSettings(servers=[server.url], subjects=["feeds.>"])
        async with open_nats(settings, 10) as publish:
            for connection in ("c", "d"):
                record = Record("a", "feeds.a", b"x", True, connection, connection, 1, 2.0)
                future = await publish(record)
                assert future is not None
                await future
            names: dict[str, Any] = {}
            exec(READER, names)
            reading = asyncio.create_task(names["read"](server.url))
            told = ""
            while told.count("feeds.a b'x'") < 2:
                await asyncio.sleep(0.01)
                told += capsys.readouterr().out
            reading.cancel()
            await asyncio.wait([reading])
    finally:
        await server.stop()
    assert "a: messages may be missing between 2.0 and 2.0\n" in told


@pytest.mark.loops("asyncio")
async def test_the_sink(tmp_path: Path) -> None:
    path = tmp_path / "out"
    names: dict[str, Any] = {}
    exec(SINK, names)
    async with Exchange() as exchange:
        running = asyncio.create_task(names["run"](exchange.url("a"), str(path)))
        await exchange.wait_for("a", 1)
        exchange.send("a", 2)
        while path.read_bytes().count(b"\n") < 2:
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.wait([running])
