"""Checks of a caller's arguments, before anything is opened or sent."""

from __future__ import annotations

import math


def check_seconds(name: str, value: object) -> None:
    """Accept a number of seconds, or `None` for no limit.

    Raises:
        TypeError: `value` is of another type; `bool` is refused too.
        ValueError: `value` is NaN: such a time never ends.
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds or None, not {type(value).__name__}")
    if math.isnan(value):
        raise ValueError(f"{name} must be a number of seconds or None, not {value}")


def check_interval(name: str, value: object) -> None:
    """Accept a finite number of seconds over 0, or `None`.

    Raises:
        TypeError: `value` is of another type; `bool` is refused too.
        ValueError: `value` is 0, negative or not finite.
    """
    if value is None:
        return
    check_seconds(name, value)
    if isinstance(value, int | float) and not 0 < value < math.inf:
        raise ValueError(f"{name} must be over 0 seconds, not {value}")


def check_window(name: str, value: object) -> None:
    """Accept a finite number of seconds that is not negative.

    Raises:
        TypeError: `value` is of another type; `bool` is refused too.
        ValueError: `value` is negative or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be 0 or more seconds, not {value}")


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
    if value is None:
        raise TypeError(f"{name} must be int, not NoneType")
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


def batch_limit(max_messages: int | None) -> int:
    """Return the largest number of messages to take; 0 stands for all of them.

    Args:
        max_messages: the limit; `None` for no limit.

    Raises:
        ValueError: `max_messages` is less than 1.
    """
    if max_messages is None:
        return 0
    if max_messages < 1:
        raise ValueError(f"max_messages must be at least 1, not {max_messages}")
    return max_messages
