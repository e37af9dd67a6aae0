"""Feeds beyond one process: every message of many feeds into NATS JetStream, or another sink."""

from __future__ import annotations

from ._feed import Feed
from ._gaps import Gap, GapFinder
from ._headers import headers_of
from ._receiving import FeedStatus
from ._record import Record, Rejected
from ._relay import Relay
from ._window import Progress

__all__ = ["Feed", "FeedStatus", "Gap", "GapFinder", "Progress", "Record", "Rejected", "Relay", "headers_of"]
