"""The fast path of the parser in plain Python: messages that lie ahead in full.

Knows nothing of frames that are unusual, unfinished or wrong: those are left to the parser.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import Any, Final

from ..._base.rfc6455 import FIN_BIT, LENGTH_IS_16_BIT, LENGTH_IS_64_BIT, OPCODE_BINARY, OPCODE_TEXT

WHOLE_TEXT: Final = FIN_BIT | OPCODE_TEXT
WHOLE_BINARY: Final = FIN_BIT | OPCODE_BINARY
WHOLE_MESSAGES: Final = frozenset((WHOLE_TEXT, WHOLE_BINARY))
# Short messages are taken from copies of so many bytes. A copy costs 0.1 us, also where it was
# made in vain because a Ping lies ahead.
WINDOW_BYTES: Final = 4096


def take_short_messages(
    view: memoryview, position: int, end: int, limit: int, messages: list[Any]
) -> int:
    """Take the whole messages ahead that have the shortest header; return where they end.

    The fastest path, for messages as `take_long_messages` takes them. A slice of
    `bytes` costs half of a slice of a view: that is worth a copy of the read, by windows.

    Args:
        view: what was read.
        position: where the first header begins.
        end: where the read ends.
        limit: of a payload, in bytes; at most 125.
        messages: where they go.
    """
    append = messages.append
    while end - position > 1 and view[position + 1] <= limit:
        window_end = min(end - position, WINDOW_BYTES)
        window = bytes(view[position : position + window_end])
        start = 0
        while start + 2 <= window_end:
            length = window[start + 1]
            stop = start + 2 + length
            if length > limit or stop > window_end:
                break
            first = window[start]
            if first == WHOLE_TEXT:
                try:
                    append(window[start + 2 : stop].decode())
                except UnicodeDecodeError:
                    return position + start
            elif first == WHOLE_BINARY:
                append(window[start + 2 : stop])
            else:
                return position + start
            start = stop
        if start == 0:
            break
        position += start
    return position


def take_long_messages(
    view: memoryview, position: int, end: int, limit: int, messages: list[Any]
) -> tuple[int, int]:
    """Take the unmasked, unfragmented messages that lie ahead in full.

    Args:
        view: what was read.
        position: where the first header begins.
        end: where the read ends.
        limit: of a payload, in bytes.
        messages: where they go.

    Returns:
        Where they end, and how many bytes their extended payload lengths took.
    """
    length_bytes = 0
    while end - position > 1:
        first = view[position]
        if first not in WHOLE_MESSAGES:
            break
        length = view[position + 1]
        start = position + 2
        if length >= LENGTH_IS_16_BIT:
            if length == LENGTH_IS_16_BIT:
                start += 2
                shortest = LENGTH_IS_16_BIT
            elif length == LENGTH_IS_64_BIT:
                start += 8
                shortest = 1 << 16
            else:
                break
            if start > end:
                break
            length = int.from_bytes(view[position + 2 : start], "big")
            if length < shortest:
                break
        stop = start + length
        if stop > end or length > limit:
            break
        if first == WHOLE_TEXT:
            try:
                messages.append(utf_8_decode(view[start:stop], "strict", True)[0])
            except UnicodeDecodeError:
                break
        else:
            messages.append(view[start:stop].tobytes())
        length_bytes += start - position - 2
        position = stop
    return position, length_bytes
