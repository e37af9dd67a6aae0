"""Checks the data that a program sends, and returns the payloads of its frames.

Builds no frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .._base.rfc6455 import OPCODE_BINARY, OPCODE_TEXT
from .backend import Utf8Validator

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .contract import Payload


def as_bytes(opcode: int, payload: Payload) -> bytes | memoryview:
    """Return the bytes of a payload, with the checks of the frame builder.

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


def fragments(data: Buffer | Iterable[str] | Iterable[Buffer]) -> tuple[int, list[bytes]]:
    """Return the opcode of the message and the payload of each of its frames.

    A bytes-like object is one binary payload.
    Everything is checked before anything is returned, so that no message begins that cannot be
    finished.

    Raises:
        TypeError: `data` is neither bytes-like nor an iterable of only `str` or only bytes-like.
        ValueError: a `str` contains a lone surrogate (`UnicodeEncodeError`), or the iterable is
            empty.
    """
    try:
        return OPCODE_BINARY, [bytes(memoryview(data))]  # type: ignore[arg-type]
    except TypeError:
        pass
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        hint = "; send_json sends it as JSON" if isinstance(data, Mapping) else ""
        kind = type(data).__name__
        raise TypeError(f"data must be str, bytes-like or an iterable of these, not {kind}{hint}")
    parts = list(data)
    if not parts:
        raise ValueError("data is an empty iterable; an empty message is '' or b''")
    if all(isinstance(part, str) for part in parts):
        return OPCODE_TEXT, [str(part).encode() for part in parts]
    return OPCODE_BINARY, [_binary(index, part) for index, part in enumerate(parts)]


def _binary(index: int, part: object) -> bytes:
    try:
        return bytes(memoryview(part))  # type: ignore[arg-type]
    except TypeError:
        raise mixed_fragments(index, part) from None


def mixed_fragments(index: int, part: object) -> TypeError:
    """Return the error for a fragment whose type does not match the earlier ones."""
    return TypeError(
        f"fragment {index} is {type(part).__name__}, all must be str or all bytes-like"
    )
