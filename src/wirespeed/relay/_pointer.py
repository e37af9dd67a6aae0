"""JSON pointers (RFC 6901): which value of a message is its key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

# What a pointer returns where it points at nothing.
MISSING: Final = object()


def compile_pointer(pointer: str) -> Callable[[Any], Any]:
    """Return a function that looks a value up in a decoded document, or returns `MISSING`.

    Args:
        pointer: such as `/data/0/seq`; "" is the whole document.

    Raises:
        ValueError: this is no JSON pointer.
    """
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"a JSON pointer begins with '/', not {pointer!r}")
    tokens = [_unescape(token, pointer) for token in pointer.split("/")[1:]]

    def look_up(value: Any) -> Any:
        for token in tokens:
            if isinstance(value, dict) and token in value:
                value = value[token]
            elif isinstance(value, list) and _is_index(token) and int(token) < len(value):
                value = value[int(token)]
            else:
                return MISSING
        return value

    return look_up


def decode(data: str | bytes) -> Any:
    """Decode a message; one that is not JSON has no values, so it is `MISSING`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return MISSING


def _unescape(token: str, pointer: str) -> str:
    rest = token.replace("~0", "").replace("~1", "")
    if "~" in rest:
        raise ValueError(f"in a JSON pointer '~' is followed by 0 or 1, not as in {pointer!r}")
    return token.replace("~1", "/").replace("~0", "~")


def _is_index(token: str) -> bool:
    # The last check is RFC 6901's: no leading zeros.
    return token.isascii() and token.isdigit() and token == str(int(token))
