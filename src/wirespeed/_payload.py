"""What can be sent: the bytes of a payload, checked.

Knows nothing of frames but the opcode of text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._backend import Utf8Validator
from ._rfc6455 import OPCODE_TEXT

if TYPE_CHECKING:
    from ._codec import Payload


def as_bytes(opcode: int, payload: Payload) -> bytes | memoryview:
    """Return the bytes of a payload, checked as the builder checks them.

    Raises:
        TypeError, ValueError: the payload cannot be sent.
    """
    if isinstance(payload, str):
        return payload.encode()
    if isinstance(payload, bytes):
        data: bytes | memoryview = payload
    else:
        try:
            view = memoryview(payload)
        except TypeError:
            name = type(payload).__name__
            raise TypeError(f"payload must be str or bytes-like, not {name}") from None
        data = view if view.c_contiguous else view.tobytes()
    if opcode == OPCODE_TEXT:
        check = Utf8Validator()
        if not (check.feed(data) and check.complete):
            raise ValueError("text payload is not valid UTF-8")
    return data
