"""Chooses between the compiled core and its twin in pure Python; no other module does.

`WIRESPEED_PURE_PYTHON=1` forces pure Python. `WIRESPEED_REQUIRE_EXTENSION=1` makes a missing
extension an error.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

__all__ = [
    "COMPILED",
    "FrameBuilder",
    "MessageParser",
    "Utf8Validator",
    "apply_mask",
    "call_in_context",
    "implementation",
    "is_held",
    "open_timer",
    "receive_into",
    "send_some",
    "set_timer",
    "stop_with",
    "total_length",
    "use_send_slot",
]


def _is_set(name: str) -> bool:
    """Return whether an environment variable is set; empty and `0` count as not set."""
    return os.environ.get(name, "") not in ("", "0")


def _missing(error: ModuleNotFoundError) -> ImportError | None:
    """Return the error to raise for a failed import of the core; `None` to use pure Python."""
    # A core that exists and cannot be loaded is a fault that pure Python must not hide.
    if error.name != f"{__package__}._core":
        return error
    if not _is_set("WIRESPEED_REQUIRE_EXTENSION"):
        return None
    return ImportError(
        f"the compiled core {error.name} is missing, and WIRESPEED_REQUIRE_EXTENSION is set:"
        " install wirespeed with WIRESPEED_BUILD_EXTENSION=1 to see why it was not built",
        name=error.name,
    )


COMPILED: bool
if TYPE_CHECKING or _is_set("WIRESPEED_PURE_PYTHON"):
    from .pure import (
        FrameBuilder,
        MessageParser,
        Utf8Validator,
        apply_mask,
        call_in_context,
        is_held,
        open_timer,
        receive_into,
        send_some,
        set_timer,
        stop_with,
        total_length,
        use_send_slot,
    )

    COMPILED = False
else:
    try:
        from ._core import (
            FrameBuilder,
            MessageParser,
            Utf8Validator,
            apply_mask,
            call_in_context,
            is_held,
            open_timer,
            receive_into,
            send_some,
            set_timer,
            stop_with,
            total_length,
            use_send_slot,
        )

        COMPILED = True
    except ModuleNotFoundError as error:
        if fault := _missing(error):
            raise fault from error
        from .pure import (
            FrameBuilder,
            MessageParser,
            Utf8Validator,
            apply_mask,
            call_in_context,
            is_held,
            open_timer,
            receive_into,
            send_some,
            set_timer,
            stop_with,
            total_length,
            use_send_slot,
        )

        COMPILED = False

implementation: Literal["compiled", "pure"] = "compiled" if COMPILED else "pure"

if TYPE_CHECKING:
    # The pure twin has the same assignments, so mypy checks both against one contract.
    from . import _core, contract

    _parser: type[contract.MessageParser] = _core.MessageParser
    _builder: type[contract.FrameBuilder] = _core.FrameBuilder
    _validator: type[contract.Utf8Validator] = _core.Utf8Validator
    _mask_function: contract.ApplyMask = _core.apply_mask
    _stop_function: contract.StopWith = _core.stop_with
    _context_function: contract.CallInContext = _core.call_in_context
    _send_function: contract.UseSendSlot = _core.use_send_slot
    _held_function: contract.IsHeld = _core.is_held
    _length_function: contract.TotalLength = _core.total_length
    _receive_function: contract.ReceiveInto = _core.receive_into
    _send_some_function: contract.SendSome = _core.send_some
    _open_function: contract.OpenTimer = _core.open_timer
    _set_function: contract.SetTimer = _core.set_timer
