"""The rules of the receive queue: its bounds, and what happens when they are exceeded.

Does not queue messages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from .arguments import check_bool, check_callable, check_limit

Overflow: TypeAlias = Literal["pause", "drop_oldest", "drop_newest", "close"]


class Pending(NamedTuple):
    """Messages that have arrived and that the program has not received yet.

    Attributes:
        messages: the number of messages.
        bytes: their size in bytes; characters, for text.
    """

    messages: int
    bytes: int


class Dropped(NamedTuple):
    """Messages that were dropped and will not be received.

    Attributes:
        messages: the number of messages.
        bytes: their size in bytes; characters, for text.
    """

    messages: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """The rules of one queue; the attributes are parameters of `connect`."""

    max_queue: int | None
    max_queue_bytes: int | None
    overflow: Overflow = "pause"
    conflate: Callable[[Any], Any] | None = None
    on_drop: Callable[[Any], object] | None = None
    text_queue_maxsize: int | None = None
    binary_queue_maxsize: int | None = None
    timestamps: bool = False

    def __post_init__(self) -> None:
        for name in ("max_queue", "max_queue_bytes", "text_queue_maxsize", "binary_queue_maxsize"):
            check_limit(name, getattr(self, name))
        if self.overflow not in get_args(Overflow):
            allowed = ", ".join(map(repr, get_args(Overflow)))
            kind = TypeError if not isinstance(self.overflow, str) else ValueError
            raise kind(f"overflow must be one of {allowed}, not {self.overflow!r}")
        check_bool("timestamps", self.timestamps)
        for name in ("conflate", "on_drop"):
            if getattr(self, name) is not None:
                check_callable(name, getattr(self, name))

    def max_waiting(self) -> int:
        """Return the number of bytes that may wait: `sys.maxsize` if there is no limit."""
        return (
            sys.maxsize if self.max_queue_bytes is None else min(self.max_queue_bytes, sys.maxsize)
        )

    def max_assembled(self, is_limited: bool) -> int:
        """Return how many bytes of one message may be assembled while no task waits for it.

        Args:
            is_limited: whether `max_message_size` limits the message. If so, no other limit
                applies to a queue that drops messages: it does not hold the peer back.
        """
        drops = self.overflow in {"drop_oldest", "drop_newest"}
        return sys.maxsize if is_limited and drops else self.max_waiting()

    @property
    def has_lanes(self) -> bool:
        """Whether text and binary messages have separate queues."""
        return self.text_queue_maxsize is not None or self.binary_queue_maxsize is not None
