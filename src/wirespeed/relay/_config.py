"""The settings of `wirespeed relay`, from a TOML file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from .._opening.reconnect import Reconnect
from ._feed import Feed
from ._nats_settings import NatsSettings
from ._relay import DEFAULT_TIMEOUT, DEFAULT_WINDOW

T = TypeVar("T")

_TOP: Final = frozenset({"workers", "window", "timeout", "nats", "feed"})
_RECONNECT: Final = frozenset(
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
        if not _is_count(self.workers):
            raise ValueError(f"workers is a number from 1 up, not {self.workers!r}")
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
        return Settings(feeds=tuple(map(_feed, feeds)), nats=nats, **read)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"{path}: {exc}") from exc


def _feed(table: Mapping[str, Any]) -> Feed:
    table = dict(table)
    reconnect = table.get("reconnect", {})
    _check_names("reconnect", reconnect, _RECONNECT)
    table["reconnect"] = Reconnect(**reconnect)
    return _make("[[feed]]", Feed, table)


def _make(place: str, kind: type[T], table: Mapping[str, Any]) -> T:
    _check_names(place, table, frozenset(each.name for each in fields(kind)))  # type: ignore[arg-type]
    return kind(**table)


def _check_names(place: str, table: object, allowed: frozenset[str]) -> None:
    if not isinstance(table, Mapping):
        raise ValueError(f"{place} is a table of settings, not {table!r}")
    unknown = sorted(table.keys() - allowed)
    if unknown:
        raise ValueError(
            f"{place} has {', '.join(unknown)}; known are {', '.join(sorted(allowed))}"
        )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
