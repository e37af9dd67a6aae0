"""Where JetStream is. Apart from the sink, so that reading it needs no `nats-py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ._checks import check_text, check_texts, check_time

# What the name of a stream may not have.
_UNFIT: Final = re.compile(r"[\s.*>/\\]")


@dataclass(frozen=True, kw_only=True)
class NatsSettings:
    """Where JetStream is, and which stream takes the messages.

    Attributes:
        servers: addresses, such as `nats://127.0.0.1:4222`.
        stream: the name of the stream.
        subjects: the stream's subjects, if it is to be made when it is missing; else empty.
        duplicate_window: seconds for which a new stream knows the ids of messages. A copy that
            comes later is stored as another message.
        credentials: a file with the credentials, or `None`.
    """

    servers: Sequence[str] = field(default=("nats://127.0.0.1:4222",), repr=False)
    stream: str = "FEEDS"
    subjects: Sequence[str] = ()
    duplicate_window: float = 120.0
    credentials: str | None = None

    def __post_init__(self) -> None:
        check_texts("servers", self.servers)
        if not self.servers:
            raise ValueError("servers must have an address")
        check_text("stream", self.stream)
        if not self.stream or _UNFIT.search(self.stream):
            raise ValueError("stream must be a name without spaces, '.', '*', '>', '/' and '\\\\'")
        check_texts("subjects", self.subjects)
        check_time("duplicate_window", self.duplicate_window)
        if self.credentials is not None:
            check_text("credentials", self.credentials)
