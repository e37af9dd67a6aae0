"""JSON text laid out again: indented, or on one line, without any change to its values.

Numbers keep all their digits, and objects all their members, which decoding and encoding would not
guarantee.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final, NoReturn, TypeAlias

from .console import BLUE, CYAN, GREEN, MAGENTA

Paint: TypeAlias = Callable[[str, int], str]

_INDENT: Final = "  "
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_EMPTY: Final = frozenset({("{", "}"), ("[", "]")})


def tokens_of(text: str) -> list[str] | None:
    """Return the tokens of JSON text; `None` if it is no JSON (RFC 8259)."""
    try:
        json.loads(text, parse_constant=_refuse, parse_int=_keep, parse_float=_keep)
    except (ValueError, RecursionError):
        return None
    return _TOKEN.findall(text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _keep(number: str) -> str:
    return number


def on_one_line(tokens: list[str]) -> str:
    """Return the text without white space between its tokens."""
    return "".join(tokens)


def indented(tokens: list[str], paint: Paint) -> str:
    """Return the text with a line for each value.

    Args:
        tokens: the result of `tokens_of`.
        paint: returns a token, given it and its colour.
    """
    return "".join(_pieces(tokens, paint))


def _pieces(tokens: list[str], paint: Paint) -> Iterator[str]:
    depth = 0
    before = ""
    for item, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if item in "]}":
            depth -= 1
            if (before, item) not in _EMPTY:
                yield "\n" + _INDENT * depth
            yield item
        elif item in "[{":
            depth += 1
            yield item
            if (item, after) not in _EMPTY:
                yield "\n" + _INDENT * depth
        elif item == ",":
            yield ",\n" + _INDENT * depth
        elif item == ":":
            yield ": "
        else:
            yield paint(item, _colour(item, is_name=after == ":"))
        before = item


def _colour(item: str, *, is_name: bool) -> int:
    if is_name:
        return BLUE
    if item[0] == '"':
        return GREEN
    return MAGENTA if item in ("true", "false", "null") else CYAN
