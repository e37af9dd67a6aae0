"""The rules of the receive queue: how much may wait, and what happens to more.

Knows nothing of how messages are queued.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from .arguments import check_bool, check_callable, check_limit

Overflow: TypeAlias = Literal["pause", "drop_oldest", "drop_newest", "close"]


class Pending(NamedTuple):
    """What has arrived and was not received.

    Attributes:
        messages: how many.
        bytes: how much data that is; characters, for text.
    """

    messages: int
    bytes: int


class Dropped(NamedTuple):
    """What was dropped and will not be received.

    Attributes:
        messages: how many.
        bytes: how much data that was; characters, for text.
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
        """Return how many bytes may wait, as a number in any case."""
        return (
            sys.maxsize if self.max_queue_bytes is None else min(self.max_queue_bytes, sys.maxsize)
        )

    def max_assembled(self, is_limited: bool) -> int:
        """Return how many bytes of one message may be put together while nobody waits for it.

        Args:
            is_limited: whether `max_message_size` limits them anyway. Then who has chosen to drop
                messages rather than to hold the peer back gets that.
        """
        drops = self.overflow in {"drop_oldest", "drop_newest"}
        return sys.maxsize if is_limited and drops else self.max_waiting()

    @property
    def has_lanes(self) -> bool:
        """Whether text and binary messages are queued apart."""
        return self.text_queue_maxsize is not None or self.binary_queue_maxsize is not None
