"""Checks of the parser in plain Python that do not depend on its state."""

from __future__ import annotations

from ... import exceptions
from ..._base.rfc6455 import (
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    RSV1_BIT,
    CloseCode,
    is_sendable_close_code,
)
from .text_and_mask import text_or_none


def check_reserved(bits: int, opcode: int, *, may_compress: bool) -> None:
    """Refuse reserved bits, except for RSV1 on the first frame of a compressed message."""
    if not may_compress:
        raise exceptions.reserved_bits_set(bits)
    if bits != RSV1_BIT:
        raise exceptions.reserved_bits_set(bits & ~RSV1_BIT)
    if opcode >= OPCODE_CLOSE:
        raise exceptions.compressed_control_frame()
    if opcode == OPCODE_CONTINUATION:
        raise exceptions.compressed_continuation()


def parse_close(payload: bytes) -> tuple[int, str]:
    """Read the payload of a Close frame (RFC 6455 section 5.5.1)."""
    if not payload:
        return int(CloseCode.NO_STATUS_RECEIVED), ""
    if len(payload) == 1:
        raise exceptions.truncated_close_code()
    code = int.from_bytes(payload[:2], "big")
    if not is_sendable_close_code(code):
        raise exceptions.invalid_close_code(code)
    reason = text_or_none(payload[2:])
    if reason is None:
        raise exceptions.invalid_close_reason()
    return code, reason
