"""What the client has seen of one connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from soak.consumers import Share
from soak.numbered import from_server

import wirespeed


@dataclass
class Outcome:
    """What the client has seen of one connection.

    Attributes:
        key: the key of the connection.
        options: the options it was opened with.
        refusal: the error that the opening failed with.
        was_cancelled: whether the opening was cancelled.
        is_patient: whether the consumers ran until the connection ended without the client ending
            it.
        way: how the connection was ended.
        shares: the numbers that each consumer received.
        ends: how each consumer ended: with an error, or `None` for the end of an iteration.
        dropped: the numbers of the messages that were dropped.
        sent: how many messages were sent.
        stats: the counters, after the end.
        info: how the connection ended.
        problems: the problems found so far.
    """

    key: str
    options: dict[str, Any] = field(default_factory=dict)
    refusal: BaseException | None = None
    was_cancelled: bool = False
    is_patient: bool = False
    way: str = ""
    shares: list[list[int]] = field(default_factory=list)
    ends: list[BaseException | None] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    sent: int = 0
    stats: wirespeed.Stats | None = None
    info: wirespeed.CloseInfo | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The kind of fault."""
        return self.key.partition("/")[0]

    @property
    def is_open(self) -> bool:
        """Whether the opening handshake succeeded."""
        return self.stats is not None

    def take_what_is_left(self, ws: wirespeed.WebSocketConnection) -> None:
        """Receive what is left in the queue of a connection that has ended, and its figures."""
        share = Share(from_server(self.key))
        self.shares.append(share.numbers)
        try:
            while True:
                share.take(ws.receive_nowait().data)
        except asyncio.QueueEmpty:
            self.problems.append("a receive after the end does not tell of it")
        except wirespeed.WebSocketError:
            pass
        self.stats = ws.stats
        self.info = ws.close_info
