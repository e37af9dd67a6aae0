"""The frames that a script sends: unmasked, as a server's are (RFC 6455 section 5.1).

Does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from .._base.rfc6455 import (
    MAX_CLOSE_REASON_BYTES,
    MAX_CONTROL_PAYLOAD_BYTES,
    OPCODE_BINARY,
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    OPCODE_TEXT,
    frame_header,
    is_sendable_close_code,
)

Sendable: TypeAlias = str | bytes | Iterable[str] | Iterable[bytes]


def message_frames(message: Sendable) -> bytes:
    """Build the frames of one message: one for each item of an iterable.

    Raises:
        TypeError: it is, or contains, something else than `str` or `bytes`, or both of them.
        ValueError: an iterable is empty.
    """
    pieces = _pieces(message)
    if not pieces:
        raise ValueError("a fragmented message must have at least one fragment")
    kind = str if isinstance(pieces[0], str) else (bytes, bytearray, memoryview)
    frames = []
    for index, piece in enumerate(pieces):
        if not isinstance(piece, kind):
            raise TypeError(f"a message must be all str or all bytes, not {type(piece).__name__}")
        payload = piece.encode() if isinstance(piece, str) else bytes(piece)
        first = OPCODE_TEXT if kind is str else OPCODE_BINARY
        opcode = OPCODE_CONTINUATION if index else first
        frames.append(frame_header(opcode, len(payload), fin=index == len(pieces) - 1) + payload)
    return b"".join(frames)


def _pieces(message: Sendable) -> list[Any]:
    if isinstance(message, str | bytes | bytearray | memoryview):
        return [message]
    if isinstance(message, Mapping) or not isinstance(message, Iterable):
        raise TypeError(
            f"a message must be str or bytes, or fragments of them, not {type(message).__name__};"
            " send_json encodes other values"
        )
    return list(message)


def control_frame(opcode: int, payload: bytes) -> bytes:
    """Build a control frame.

    Raises:
        ValueError: the payload is longer than 125 bytes.
    """
    if len(payload) > MAX_CONTROL_PAYLOAD_BYTES:
        raise ValueError(
            f"control frame payload is {len(payload)} bytes, limit is {MAX_CONTROL_PAYLOAD_BYTES}"
            " (RFC 6455 section 5.5)"
        )
    return frame_header(opcode, len(payload)) + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    """Build a Close frame; `None` for one without a code.

    Raises:
        ValueError: the code may not be sent, or the reason is too long or has no code.
    """
    if code is None:
        if reason:
            raise ValueError("a close reason needs a close code (RFC 6455 section 5.5.1)")
        return control_frame(OPCODE_CLOSE, b"")
    if not is_sendable_close_code(code):
        raise ValueError(f"close code {code} must not be sent (RFC 6455 section 7.4)")
    encoded = reason.encode()
    if len(encoded) > MAX_CLOSE_REASON_BYTES:
        raise ValueError(
            f"close reason is {len(encoded)} bytes, limit is {MAX_CLOSE_REASON_BYTES}"
            " (RFC 6455 section 5.5)"
        )
    return control_frame(OPCODE_CLOSE, code.to_bytes(2, "big") + encoded)
