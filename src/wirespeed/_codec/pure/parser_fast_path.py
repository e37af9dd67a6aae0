"""The fast path of the parser in plain Python: whole messages that have arrived in full.

Leaves unusual, unfinished and faulty frames to the parser.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import Any, Final

from ..._base.rfc6455 import FIN_BIT, LENGTH_IS_16_BIT, LENGTH_IS_64_BIT, OPCODE_BINARY, OPCODE_TEXT

WHOLE_TEXT: Final = FIN_BIT | OPCODE_TEXT
WHOLE_BINARY: Final = FIN_BIT | OPCODE_BINARY
WHOLE_MESSAGES: Final = frozenset((WHOLE_TEXT, WHOLE_BINARY))
# Short messages are taken from copies of this size. A copy costs 0.1 us, even if it is of no use
# because a Ping comes next.
WINDOW_BYTES: Final = 4096


def take_short_messages(
    view: memoryview, position: int, end: int, limit: int, messages: list[Any], *, most: int
) -> int:
    """Take whole messages that have the shortest header; return the position of their end.

    This is the fastest path, for messages of the kinds that `take_long_messages` takes. A slice
    of `bytes` costs half of a slice of a view, which is worth copying the data by windows.

    Args:
        view: the data that was read.
        position: the start of the first header.
        end: the end of the data.
        limit: the largest payload in bytes; at most 125.
        messages: the list that the messages are appended to.
        most: the largest length of that list.
    """
    append = messages.append
    while end - position > 1 and view[position + 1] <= limit and len(messages) < most:
        # A message has at least the 2 bytes of its header.
        window_end = min(end - position, WINDOW_BYTES, 2 * (most - len(messages)))
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
    view: memoryview, position: int, end: int, limit: int, messages: list[Any], *, most: int
) -> tuple[int, int]:
    """Take unmasked, unfragmented messages that have arrived in full.

    Args:
        view: the data that was read.
        position: the start of the first header.
        end: the end of the data.
        limit: the largest payload in bytes.
        messages: the list that the messages are appended to.
        most: the largest length of that list.

    Returns:
        The position of their end, and the total size of their extended payload lengths in bytes.
    """
    length_bytes = 0
    while end - position > 1 and len(messages) < most:
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
