"""Feeds beyond one process: every message of many feeds into NATS JetStream, or another sink."""

from __future__ import annotations

from ._config import Settings, read_settings
from ._feed import Feed
from ._gaps import Gap, GapFinder
from ._headers import headers_of
from ._nats_settings import NatsSettings
from ._receiving import FeedStatus
from ._record import Record, Rejected
from ._relay import Relay
from ._window import Progress
from ._workers import Workers

__all__ = [
    "Feed",
    "FeedStatus",
    "Gap",
    "GapFinder",
    "NatsSettings",
    "Progress",
    "Record",
    "Rejected",
    "Relay",
    "Settings",
    "Workers",
    "headers_of",
    "read_settings",
]
