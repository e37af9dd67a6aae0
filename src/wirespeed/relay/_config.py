"""The settings of `wirespeed relay`, from a TOML file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from .._opening.reconnect import Reconnect
from ._checks import check_number, check_time
from ._feed import Feed, subject_pattern
from ._nats_settings import NatsSettings
from ._relay import DEFAULT_TIMEOUT, DEFAULT_WINDOW

T = TypeVar("T")

_TOP: Final = frozenset({"workers", "window", "timeout", "nats", "feed"})
RECONNECT: Final = frozenset(
    {
        *("initial", "maximum", "factor", "reset_after", "give_up_after"),
        *("max_retry_after", "max_lifetime"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a relay.

    Attributes:
        feeds: the feeds.
        nats: where the messages go.
        workers: how many processes receive; by default as many as there are processors.
        window: how many messages of a worker may be unacknowledged.
        timeout: seconds to wait for an acknowledgement.
    """

    feeds: tuple[Feed, ...]
    nats: NatsSettings = field(default_factory=NatsSettings)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    window: int = DEFAULT_WINDOW
    timeout: float = DEFAULT_TIMEOUT

    def __post_init__(self) -> None:
        if not self.feeds:
            raise ValueError("there is no [[feed]]")
        names = [feed.name for feed in self.feeds]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"more than one feed is called {', '.join(twice)}")
        check_number("workers", self.workers)
        check_number("window", self.window)
        check_time("timeout", self.timeout)
        most = max(feed.standby for feed in self.feeds)
        if most > self.workers:
            raise ValueError(f"standby = {most} needs {most} workers, not {self.workers}")

    def feeds_of(self, worker: int) -> list[Feed]:
        """Return the feeds that a worker receives, numbered from 0.

        The copies of a feed are received by different workers.
        """
        chosen = []
        place = 0
        for feed in self.feeds:
            if (worker - place) % self.workers < feed.standby:
                chosen.append(feed)
            place += feed.standby
        return chosen


def read_settings(path: Path, workers: int | None = None) -> Settings:
    """Read the settings of a relay.

    Args:
        path: the TOML file.
        workers: takes the place of the file's.

    Raises:
        OSError: the file cannot be read.
        ValueError: its content cannot be used. The text names the place, and no header or message.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise ValueError(f"{path}: {exc}") from exc
    try:
        _check_names("the file", read, _TOP)
        if workers is not None:
            read["workers"] = workers
        feeds = read.pop("feed", [])
        if not isinstance(feeds, list):
            raise ValueError("feeds are written as [[feed]]")
        nats = _make("[nats]", NatsSettings, read.pop("nats", {}))
        made = tuple(_feed(f"[[feed]] {number}", feed) for number, feed in enumerate(feeds, 1))
        return Settings(feeds=made, nats=nats, **read)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"{path}: {exc}") from exc


def single_feed(options: Mapping[str, Any], workers: int | None = None) -> Settings:
    """Return the settings of a relay with one feed.

    A stream that is missing is made, with the subjects of the feed.

    Args:
        options: settings of the feed and of JetStream, such as `feed.url` and `nats.stream`.
            `feed.headers` is a list of pairs.
        workers: how many processes receive; `None` for as many as the feed has connections.

    Raises:
        TypeError, ValueError: they cannot be used.
    """
    feed = {name[5:]: value for name, value in options.items() if name.startswith("feed.")}
    nats = {name[5:]: value for name, value in options.items() if name.startswith("nats.")}
    if "url" not in feed:
        raise ValueError("give a file with settings, or the --url of a feed")
    feed["headers"] = dict(feed.get("headers", ()))
    if "conflate" in feed:
        feed.setdefault("overflow", "conflate")
    made = Feed(**{"name": "feed", **feed})
    return Settings(
        feeds=(made,),
        nats=NatsSettings(subjects=[subject_pattern(made)], **nats),
        workers=workers or made.standby,
    )


def _feed(place: str, table: object) -> Feed:
    read = _table(place, table)
    reconnect = read.pop("reconnect", {})
    return _make(
        place, Feed, {**read, "reconnect": _make_reconnect(f"{place}, reconnect", reconnect)}
    )


def _make_reconnect(place: str, table: object) -> Reconnect:
    _check_names(place, table := _table(place, table), RECONNECT)
    try:
        return Reconnect(**table)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"{place}: {exc}") from exc


def _make(place: str, kind: type[T], table: object) -> T:
    read = _table(place, table)
    known = fields(kind)  # type: ignore[arg-type]
    _check_names(place, read, frozenset(each.name for each in known))
    for each in known:
        if each.default is each.default_factory is MISSING and each.name not in read:
            raise ValueError(f"{place} has no {each.name}")
    try:
        return kind(**read)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"{place}: {exc}") from exc


def _table(place: str, table: object) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise ValueError(f"{place} must be a table, not {type(table).__name__}")
    return dict(table)


def _check_names(place: str, table: Mapping[str, Any], allowed: frozenset[str]) -> None:
    unknown = sorted(table.keys() - allowed)
    if unknown:
        raise ValueError(
            f"{place} has {', '.join(unknown)}; known are {', '.join(sorted(allowed))}"
        )
