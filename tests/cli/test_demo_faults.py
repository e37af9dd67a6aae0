"""The demo reports an incomplete feed; the feeds here are wrong on purpose."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import pytest
from rawserver import RawConnection, raw_server

from wirespeed._cli.demo import command
from wirespeed._cli.demo.report import Goal


def text(payload: str) -> bytes:
    return b"\x81" + bytes([len(payload)]) + payload.encode()


def ticks(*numbers: int) -> bytes:
    return b"".join(text(f'{{"s":"BTCUSD","n":{number}}}') for number in numbers)


def close(code: int, reason: str) -> bytes:
    return b"\x88" + bytes([2 + len(reason)]) + code.to_bytes(2, "big") + reason.encode()


@dataclass(frozen=True)
class Feed:
    """What a server sends when three ticks are expected, and the demo's verdict."""

    data: bytes
    verdict: str


FEEDS = {
    "complete": Feed(ticks(0, 1, 2) + close(1000, "3 messages"), "yes"),
    "one too few": Feed(ticks(0, 1) + close(1000, "2 messages"), "no: 2 of 3 messages arrived"),
    "one too many": Feed(
        ticks(0, 1, 2, 3) + close(1000, "4 messages"), "no: 4 of 3 messages arrived"
    ),
    "one missing": Feed(ticks(0, 2, 3), """no: after 1 messages came '{"s":"BTCUSD","n":2}'"""),
    "one twice": Feed(ticks(0, 1, 1), """no: after 2 messages came '{"s":"BTCUSD","n":1}'"""),
    "swapped": Feed(ticks(1, 0, 2), """no: after 0 messages came '{"s":"BTCUSD","n":1}'"""),
    "only the end is right": Feed(
        ticks(0, 11), """no: after 1 messages came '{"s":"BTCUSD","n":11}'"""
    ),
    "no tick": Feed(text("hello"), "no: after 0 messages came 'hello'"),
    "binary": Feed(b"\x82\x02hi", "no: after 0 messages came a binary one"),
    "more were sent": Feed(
        ticks(0, 1, 2) + close(1000, "4 messages"),
        "no: 3 messages arrived, the close was (1000, '4 messages')",
    ),
    "another code": Feed(
        ticks(0, 1, 2) + close(1001, "3 messages"),
        "no: 3 messages arrived, the close was (1001, '3 messages')",
    ),
    "not a frame": Feed(
        ticks(0) + b"\xc1\x00",
        "no: reserved bits are set: rsv1, no extension uses them (RFC 6455 section 5.2)",
    ),
    "lost": Feed(
        ticks(0), "no: connection was lost without a Close frame (RFC 6455 section 7.1.5)"
    ),
}


def verdict(out: str) -> str:
    line = next(line for line in out.splitlines() if "in order" in line)
    return line.replace("in order", "").strip()


@pytest.mark.parametrize("batch", [False, True], ids=["each", "batch"])
@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
async def test_verdict(feed: Feed, batch: bool, capsys: pytest.CaptureFixture[str]) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept(trailing=feed.data)
        if feed.verdict.startswith("no: connection was lost"):
            return
        await connection.read_frame()
        if not feed.data.endswith(b" messages"):
            await connection.write(close(1000, ""))

    async with raw_server(serve) as url:
        status = await command._stream(url, Goal(3, None), tls=False, batch=batch)
    assert status == int(feed.verdict != "yes")
    assert verdict(capsys.readouterr().out) == feed.verdict


def test_a_feed_that_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    assert command.run(Goal(3, None), tls=False, batch=False) == 1
    assert capfd.readouterr() == ("", "wirespeed: the feed server did not start\n")
