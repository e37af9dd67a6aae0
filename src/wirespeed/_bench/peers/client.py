"""What the worker asks of each client, in the way that its documentation recommends for speed.

Must not know any client. A request is a text message; what `receive` and the others return is the
last message, so that the worker can see that it is the right one.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from ..works import Work

Message = Any
Arrivals = tuple[Callable[[int], None], Callable[[Any], None], Callable[[], int]]
"""Where a paced feed goes: takes a time, takes a message, tells the time."""


class Client(Protocol):
    """One connection of one client.

    Attributes:
        packages: the distributions whose versions matter.
        settings: what differs from the defaults, and which parts are in use, for the reader.
        receives: how messages are received, for the reader.
    """

    packages: ClassVar[tuple[str, ...]]
    settings: ClassVar[str]
    receives: ClassVar[str]

    def __init__(self, work: Work) -> None:
        """Prepare for one work."""

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""

    async def close(self) -> None:
        """Close it."""

    async def request(self, text: str) -> None:
        """Send a text message."""

    async def receive(self, count: int) -> Message:
        """Receive so many messages, decoded as the work wants."""

    async def send(self, message: Message, count: int) -> None:
        """Send a message so many times, waiting where the client says so.

        Where the work is about JSON `message` is a value, to be encoded each time.
        """

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send and receive in turn, so many times."""

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Receive so many answers, with `depth` requests in flight."""

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Receive so many text messages, and note when each arrived."""
