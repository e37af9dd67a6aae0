"""The means for awaitables to return values and to resume tasks, in pure Python.

Its compiled twin is `wirespeed._codec._core_wake`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, NoReturn

from .. import contract


def call_in_context(
    context: Context | None, callback: Callable[[Any], object], argument: object
) -> bool:
    """Call `callback` inside a context; see `wirespeed._codec.contract.CallInContext`."""
    if context is None:
        raise TypeError("context must be a contextvars.Context, not None")
    entered = False

    def call() -> None:
        nonlocal entered
        entered = True
        callback(argument)

    try:
        context.run(call)
    except (RuntimeError, MemoryError):
        if entered:
            raise
        return False
    return True


def stop_with(awaitable: object, value: object) -> NoReturn:
    """Raise `StopIteration(value)`; see `wirespeed._codec.contract.StopWith`."""
    raise StopIteration(value)


def use_send_slot(awaitable_type: type) -> None:
    """Do nothing: only a compiled type has a slot; see `wirespeed._codec.contract.UseSendSlot`."""


def is_held(owned: object) -> bool:
    """Return `True`: the object may be held; see `wirespeed._codec.contract.IsHeld`."""
    return True


if TYPE_CHECKING:
    _context_function: contract.CallInContext = call_in_context
    _stop_function: contract.StopWith = stop_with
    _send_function: contract.UseSendSlot = use_send_slot
    _held_function: contract.IsHeld = is_held
