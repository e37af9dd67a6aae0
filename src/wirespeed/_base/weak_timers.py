"""Timers that do not keep alive what they call.

Must not know what that is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import ref

__all__ = ["call_weakly"]

T = TypeVar("T")


def call_weakly(owner: ref[T], step: Callable[[T], None]) -> None:
    """Take a step if its owner is still there; for `loop.call_later` and `loop.call_at`."""
    found = owner()
    if found is not None:
        step(found)
