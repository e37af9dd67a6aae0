"""The interface to the clients, each used as its documentation recommends for speed.

A request is a text message. `receive` and the other methods return the last message, so that the
worker can check it.
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
        packages: the distributions whose versions the report shows.
        settings: for the report: the settings that differ from the defaults, and the parts in use.
        receives: for the report: how messages are received.
    """

    packages: ClassVar[tuple[str, ...]]
    settings: ClassVar[str]
    receives: ClassVar[str]

    def __init__(self, work: Work) -> None:
        """Prepare for `work`."""

    async def open(self, url: str, context: ssl.SSLContext | None) -> None:
        """Open the connection."""

    async def close(self) -> None:
        """Close the connection."""

    async def request(self, text: str) -> None:
        """Send a text message."""

    async def receive(self, count: int) -> Message:
        """Receive `count` messages, decoded as the work requires; return the last one."""

    async def send(self, message: Message, count: int) -> None:
        """Send a message `count` times, and wait when the client requires it.

        In a work with JSON, `message` is a value that is encoded each time.
        """

    async def echo(self, message: str | bytes, count: int) -> Message:
        """Send a message and receive its answer, `count` times; return the last answer."""

    async def pipeline(self, message: str | bytes, count: int, depth: int) -> Message:
        """Receive `count` answers, with `depth` requests in flight; return the last answer."""

    async def collect(self, count: int, arrivals: Arrivals) -> None:
        """Receive `count` text messages, and record when each arrived."""
