"""Checks of the parser in plain Python that do not depend on its state."""

from __future__ import annotations

from typing import Final

from ... import exceptions
from ..._base.rfc6455 import (
    FIN_BIT,
    LENGTH_IS_16_BIT,
    OPCODE_BINARY,
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
    RESERVED_BITS,
    RSV1_BIT,
    CloseCode,
    is_sendable_close_code,
)
from .text_and_mask import text_or_none

OPCODES: Final = frozenset(
    (OPCODE_CONTINUATION, OPCODE_TEXT, OPCODE_BINARY, OPCODE_CLOSE, OPCODE_PING, OPCODE_PONG)
)


def check_opcode(first: int, opcode: int, *, may_compress: bool) -> None:
    """Refuse reserved bits and reserved opcodes; `first` is the first byte of the header."""
    if first & RESERVED_BITS:
        check_reserved(first & RESERVED_BITS, opcode, may_compress=may_compress)
    if opcode not in OPCODES:
        raise exceptions.unknown_opcode(opcode)


def check_order(first: int, opcode: int, message_opcode: int) -> None:
    """Refuse fragments of control frames, and frames that cannot follow the last one."""
    if opcode >= OPCODE_CLOSE:
        if first < FIN_BIT:
            raise exceptions.fragmented_control_frame()
    elif opcode == OPCODE_CONTINUATION:
        if not message_opcode:
            raise exceptions.unexpected_continuation()
    elif message_opcode:
        raise exceptions.expected_continuation(opcode)


def check_encoding(length: int, length_bytes: int) -> None:
    """Refuse a payload length in more bytes than it needs, or of more than 63 bits."""
    if length_bytes == 8 and length >= 1 << 63:
        raise exceptions.length_too_large(length)
    if length_bytes == 8 and length < 1 << 16:
        raise exceptions.length_not_minimal(length, 8)
    if length_bytes == 2 and length < LENGTH_IS_16_BIT:
        raise exceptions.length_not_minimal(length, 2)


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
