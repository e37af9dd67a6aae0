"""Where JetStream is. Apart from the sink, so that reading it needs no `nats-py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


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
