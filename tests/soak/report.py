"""The report that the server's process sends of one connection: what it did and saw."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Traffic:
    """Counts of one direction, up to and including the Close frame.

    Attributes:
        messages: complete messages; those that the server sent had been written to the socket.
        frames: frames of any kind.
        wire_bytes: the bytes of all frames, headers included.
        pings: Pings.
        pongs: Pongs.
        close: code and reason of the Close frame, `None` without one.
    """

    messages: int = 0
    frames: int = 0
    wire_bytes: int = 0
    pings: int = 0
    pongs: int = 0
    close: tuple[int, str] | None = None


@dataclass
class Report:
    """One connection, seen from the server.

    Attributes:
        key: the key of the connection.
        sent: what the server sent.
        begun: `sent.messages`, plus the messages of a write that failed because the connection was
            lost.
        received: what came from the client.
        problem: what the client did wrong, or the server could not do in time.
    """

    key: str
    sent: Traffic = field(default_factory=Traffic)
    begun: int = 0
    received: Traffic = field(default_factory=Traffic)
    problem: str = ""

    def to_line(self) -> str:
        """Return the report as one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_line(cls, line: bytes) -> Report:
        """Parse a line from `to_line`."""
        values = json.loads(line)
        return cls(**{**values, **{name: _traffic(values[name]) for name in ("sent", "received")}})


def _traffic(values: dict[str, Any]) -> Traffic:
    close = values["close"]
    return Traffic(**{**values, "close": None if close is None else (close[0], close[1])})
