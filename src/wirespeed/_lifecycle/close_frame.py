"""Checks what a Close frame would carry, before it is sent."""

from __future__ import annotations

from .._base.rfc6455 import MAX_CLOSE_REASON_BYTES, is_sendable_close_code


def check_close(code: int, reason: str) -> None:
    """Check that a Close frame may have this code and reason (RFC 6455 sections 5.5 and 7.4).

    Raises:
        TypeError, ValueError: `code` or `reason` cannot be sent.
    """
    if not isinstance(code, int):
        raise TypeError(f"close code must be an int, not {type(code).__name__}")
    if not isinstance(reason, str):
        raise TypeError(f"close reason must be a str, not {type(reason).__name__}")
    if not is_sendable_close_code(code):
        raise ValueError(f"close code {int(code)} must not be sent (RFC 6455 section 7.4)")
    size = len(reason.encode())
    if size > MAX_CLOSE_REASON_BYTES:
        raise ValueError(
            f"close reason is {size} bytes, limit is {MAX_CLOSE_REASON_BYTES}"
            " (RFC 6455 section 5.5)"
        )
