"""Checks of settings, whose errors name the place and show no value that may be a secret."""

from __future__ import annotations

from collections.abc import Mapping

from .._base.arguments import check_count, check_seconds
from .._handshake.url import parse_url


def check_number(name: str, value: object) -> None:
    """Accept a whole number from 1 up.

    Raises:
        TypeError: it is of another type.
        ValueError: it is too small.
    """
    check_count(name, value)
    if value == 0:
        raise ValueError(f"{name} must be 1 or more, not 0")


def check_time(name: str, value: object) -> None:
    """Accept a number of seconds above 0.

    Raises:
        TypeError: it is of another type.
        ValueError: it is not above 0, or not finite.
    """
    check_seconds(name, value, over_zero=True, required=True)


def check_text(name: str, value: object) -> None:
    """Accept a string.

    Raises:
        TypeError: it is of another type.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")


def check_texts(name: str, value: object) -> None:
    """Accept a list or tuple of strings.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{name} must be a list of strings")


def check_headers(name: str, value: object) -> None:
    """Accept a mapping of strings to strings.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, Mapping) or not all(
        isinstance(each, str) for pair in value.items() for each in pair
    ):
        raise TypeError(f"{name} must be a table of strings")


def check_url(name: str, value: object) -> None:
    """Accept the URL of a WebSocket server.

    Raises:
        TypeError: it is no string.
        ValueError: it cannot be used.
    """
    check_text(name, value)
    try:
        parse_url(str(value))
    except ValueError as exc:
        raise ValueError(f"{name} cannot be used: {exc}") from None
