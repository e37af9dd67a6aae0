"""The settings of `wirespeed relay`."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirespeed.relay import Feed, NatsSettings, Settings, read_settings
from wirespeed.relay._config import single_feed

WHOLE = """
workers = 3
window = 50
timeout = 4.5

[nats]
servers = ["nats://127.0.0.1:4333"]
stream = "TRADES"
subjects = ["trades.>"]
duplicate_window = 30

[[feed]]
name = "a"
url = "wss://example.com/a"
headers = {Authorization = "hidden"}
subscribe = ['{"op": "subscribe"}']
subject = "trades.{feed}.{/s}"
standby = 2
message_id = "/seq"

[[feed]]
name = "b"
url = "wss://example.com/b"
overflow = "conflate"
conflate = "/s"
max_queue = 10
max_message_size = 1000
reconnect = {initial = 0.5, maximum = 8}
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "relay.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_is_read(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, WHOLE))
    assert (settings.workers, settings.window, settings.timeout) == (3, 50, 4.5)
    assert settings.nats == NatsSettings(
        servers=["nats://127.0.0.1:4333"],
        stream="TRADES",
        subjects=["trades.>"],
        duplicate_window=30,
    )
    a, b = settings.feeds
    assert a == Feed(
        name="a",
        url="wss://example.com/a",
        headers={"Authorization": "hidden"},
        subscribe=['{"op": "subscribe"}'],
        subject="trades.{feed}.{/s}",
        standby=2,
        message_id="/seq",
    )
    assert (b.overflow, b.conflate, b.max_queue, b.max_message_size) == ("conflate", "/s", 10, 1000)
    assert (b.reconnect.initial, b.reconnect.maximum) == (0.5, 8)


def test_the_command_line_decides_the_workers(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, WHOLE), workers=5).workers == 5


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("worker = 3", "the file has worker; known are"),
        ("feed = 3", r"written as \[\[feed\]\]"),
        ("workers = 2", r"there is no \[\[feed\]\]"),
        ("nats = 3", r"\[nats\] must be a table"),
        ("[nats]\nstreem = ''", r"\[nats\] has streem; known are"),
        ("[nats]\nservers = 'nats://x'", r"\[nats\]: servers must be a list"),
        ("[nats]\nstream = ''", r"\[nats\]: stream"),
        ("[nats]\nstream = 'a.b'", r"\[nats\]: stream"),
        ("[nats]\nduplicate_window = 0", r"\[nats\]: duplicate_window"),
        ("[[feed]]\nname = 'a'", r"\[\[feed\]\] 1 has no url"),
        ("[[feed]]\nname = 3\nurl = 'ws://x'", r"\[\[feed\]\] 1: the name"),
        ("[[feed]]\nname = 'a'\nurl = 3", "feed a: url must be a string"),
        ("[[feed]]\nname = 'a'\nurl = 'ftp://hidden'", "feed a: url cannot be used"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nhidden = 1", r"\[\[feed\]\] 1 has hidden"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nmax_queue = 0", "feed a: max_queue"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nmax_queue = 'x'", "feed a: max_queue"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nmax_message_size = 0", "feed a: max_message_size"),
        (
            "[[feed]]\nname = 'a'\nurl = 'ws://x'\nheaders = ['hidden']",
            "feed a: headers must be a table",
        ),
        (
            "[[feed]]\nname = 'a'\nurl = 'ws://x'\nheaders = {A = 3}",
            "feed a: headers must be a table",
        ),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nsubscribe = 'hidden'", "subscribe must be a list"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nsubscribe = [3]", "subscribe must be a list"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nsubject = 3", "feed a: subject must"),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\nmessage_id = 3", "feed a: message_id"),
        (
            "[[feed]]\nname = 'a'\nurl = 'ws://x'\nreconnect = {initial = -1}",
            r"\[\[feed\]\] 1, reconnect: .*initial",
        ),
        (
            "[[feed]]\nname = 'a'\nurl = 'ws://x'\nreconnect = {on_open = 1}",
            r"\[\[feed\]\] 1, reconnect has on_open",
        ),
        ("[[feed]]\nname = 'a'\nurl = 'ws://x'\n" * 2, "more than one feed is called a"),
        ("workers = 0\n[[feed]]\nname = 'a'\nurl = 'ws://x'", "workers must be 1 or more"),
        ("window = 0\n[[feed]]\nname = 'a'\nurl = 'ws://x'", "window must be"),
        ("window = 'x'\n[[feed]]\nname = 'a'\nurl = 'ws://x'", "window must be"),
        ("timeout = 0\n[[feed]]\nname = 'a'\nurl = 'ws://x'", "timeout must be"),
        ("timeout = 'x'\n[[feed]]\nname = 'a'\nurl = 'ws://x'", "timeout must be"),
        ("timeout = inf\n[[feed]]\nname = 'a'\nurl = 'ws://x'", "timeout must be"),
        (
            "workers = 1\n[[feed]]\nname = 'a'\nurl = 'ws://x'\nstandby = 2\nmessage_id = '/n'",
            "standby = 2 needs 2 workers, not 1",
        ),
        ("x = ", "relay.toml: "),
    ],
)
def test_an_error_names_the_place_and_no_secret(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error) as caught:
        read_settings(written(tmp_path, text))
    assert str(caught.value).startswith(str(tmp_path / "relay.toml"))
    assert "hidden" not in str(caught.value).replace("has hidden", "")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "relay.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"relay\.toml"):
        read_settings(path)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_settings(tmp_path / "none.toml")


@pytest.mark.parametrize("workers", [2, 3, 5])
@pytest.mark.parametrize("standbys", [(1, 1, 1, 1), (2, 2, 2), (1, 2, 1, 2, 2), (2, 1)])
def test_copies_are_spread_over_workers(workers: int, standbys: tuple[int, ...]) -> None:
    feeds = tuple(
        Feed(name=f"f{number}", url="ws://x/", standby=standby, message_id="/n")
        for number, standby in enumerate(standbys)
    )
    settings = Settings(feeds=feeds, workers=workers)
    shares = [settings.feeds_of(number) for number in range(workers)]
    for feed in feeds:
        # `feeds_of` names a feed once, so these are different workers.
        assert sum(share.count(feed) for share in shares) == feed.standby
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_single_feed_by_options() -> None:
    settings = single_feed(
        {
            "feed.url": "wss://example.com/a",
            "feed.headers": [("Authorization", "hidden")],
            "feed.subject": "trades.{feed}.x-{/a.b}",
            "feed.standby": 2,
            "feed.message_id": "/seq",
            "nats.stream": "TRADES",
        }
    )
    [feed] = settings.feeds
    assert (feed.name, feed.headers) == ("feed", {"Authorization": "hidden"})
    # As many processes as it has connections.
    assert settings.workers == 2
    assert settings.nats == NatsSettings(stream="TRADES", subjects=["trades.feed.*"])
    with pytest.raises(ValueError, match="needs 2 workers"):
        single_feed({"feed.url": feed.url, "feed.standby": 2, "feed.message_id": "/seq"}, 1)


def test_a_key_of_conflation_is_enough() -> None:
    [feed] = single_feed({"feed.url": "ws://127.0.0.1/", "feed.conflate": "/s"}).feeds
    assert (feed.overflow, feed.conflate) == ("conflate", "/s")


def test_options_without_a_url() -> None:
    with pytest.raises(ValueError, match="--url"):
        single_feed({"feed.name": "a"})
