"""Timers that do not keep alive the object that they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import ref

__all__ = ["call_weakly"]

T = TypeVar("T")


def call_weakly(owner: ref[T], step: Callable[[T], None]) -> None:
    """Call `step(owner)` if the owner still exists; for `loop.call_later` and `loop.call_at`."""
    found = owner()
    if found is not None:
        step(found)
