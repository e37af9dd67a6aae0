"""The codec in plain Python, the twin of the compiled `_core`.

Both implement `_codec.contract`, and the same tests run on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import FrameBuilder
from .parser import MessageParser
from .socket_calls import receive_into, send_some
from .text_and_mask import Utf8Validator, apply_mask, total_length
from .timer_calls import open_timer, set_timer
from .wake import call_in_context, is_held, stop_with, use_send_slot

if TYPE_CHECKING:
    from .. import contract

__all__ = [
    "FrameBuilder",
    "MessageParser",
    "Utf8Validator",
    "apply_mask",
    "call_in_context",
    "is_held",
    "open_timer",
    "receive_into",
    "send_some",
    "set_timer",
    "stop_with",
    "total_length",
    "use_send_slot",
]

if TYPE_CHECKING:
    _parser: type[contract.MessageParser] = MessageParser
    _builder: type[contract.FrameBuilder] = FrameBuilder
    _validator: type[contract.Utf8Validator] = Utf8Validator
    _mask_function: contract.ApplyMask = apply_mask
    _length_function: contract.TotalLength = total_length
