"""Checks of a caller's arguments, before anything is opened or sent."""

from __future__ import annotations

import sys


def check_seconds(
    name: str, value: object, *, over_zero: bool = False, required: bool = False
) -> None:
    """Accept a duration: a finite number of seconds that is not negative.

    Infinity is refused because the event loops do not agree on it.

    Args:
        name: the argument.
        value: its value.
        over_zero: whether 0 is refused.
        required: whether `None`, which stands for no limit, is refused.

    Raises:
        TypeError: `value` is of another type; `bool` is refused too.
        ValueError: `value` is negative, infinite or NaN, or 0 where that is refused.
    """
    if value is None and not required:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        wanted = "a number of seconds" if required else "a number of seconds or None"
        raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
    # An int may be larger than any float.
    if value >= sys.float_info.max:
        advice = "" if required else "; None means no limit"
        raise ValueError(f"{name} must be a finite number of seconds, not {_shown(value)}{advice}")
    if not (value > 0 or (value == 0 and not over_zero)):
        least = "over 0 seconds" if over_zero else "0 or more seconds"
        raise ValueError(f"{name} must be {least}, not {_shown(value)}")


def _shown(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:
        return "a number of over 300 digits"


def check_limit(name: str, value: object) -> None:
    """Accept an `int` that is not negative, or `None` for no limit.

    Raises:
        TypeError: `value` is of another type; `bool` is refused too.
        ValueError: `value` is negative.
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be int or None, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, not {value}")


def check_count(name: str, value: object) -> None:
    """Accept an `int` that is not negative.

    Raises:
        TypeError: `value` is of another type; `bool` is refused too.
        ValueError: `value` is negative.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be int, not {type(value).__name__}")
    check_limit(name, value)


def check_bool(name: str, value: object) -> None:
    """Accept `True` and `False`.

    Raises:
        TypeError: `value` is of another type.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")


def check_callable(name: str, value: object) -> None:
    """Accept a callable.

    Raises:
        TypeError: `value` is not callable.
    """
    if not callable(value):
        raise TypeError(f"{name} must be callable, not {type(value).__name__}")


def check_messages(value: object) -> None:
    """Accept what may be an iterable of messages.

    Raises:
        TypeError: `value` is a single message, whose characters or bytes would each be one; or a
            mapping, of which only the keys would be sent.
    """
    if isinstance(value, str | bytes | bytearray | memoryview | dict):
        kind = type(value).__name__
        advice = "send_json sends a dict" if isinstance(value, dict) else "send sends one message"
        raise TypeError(f"messages must be an iterable of messages, not {kind}; {advice}")


def batch_limit(max_messages: int | None) -> int:
    """Return the largest number of messages to take; 0 stands for all of them.

    Args:
        max_messages: the limit; `None` for no limit.

    Raises:
        TypeError: `max_messages` is not an `int`.
        ValueError: `max_messages` is less than 1.
    """
    if max_messages is None:
        return 0
    if isinstance(max_messages, bool) or not isinstance(max_messages, int):
        raise TypeError(f"max_messages must be int or None, not {type(max_messages).__name__}")
    if max_messages < 1:
        raise ValueError(f"max_messages must be at least 1, not {max_messages}")
    return max_messages
