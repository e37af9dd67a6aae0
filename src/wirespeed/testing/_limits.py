"""What a client may make the server hold, where it is not the client of a test."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from .._base.rfc6455 import DEFAULT_MAX_MESSAGE_BYTES

_QUEUE_MESSAGES: Final = 1024

__all__ = ["NO_LIMITS", "Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server.

    Attributes:
        connections: how many may be open; further ones are refused with 503, without reading their
            request. `None` for any number.
        request_seconds: how long a client may take for its request; `None` for no limit.
        message_bytes: the largest message; a larger one fails the connection with 1009.
        queue_bytes: while as many bytes (characters, for text) wait for the script, nothing more is
            read; `None` for no limit.
    """

    connections: int | None = None
    request_seconds: float | None = None
    message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    queue_bytes: int | None = None

    def reached_by(self, queue: Collection[str | bytes]) -> bool:
        """Tell whether so many messages wait for the script that nothing more is to be read."""
        if len(queue) >= _QUEUE_MESSAGES:
            return True
        return self.queue_bytes is not None and sum(map(len, queue)) >= self.queue_bytes


NO_LIMITS: Final = Limits()
