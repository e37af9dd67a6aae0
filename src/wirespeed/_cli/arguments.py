"""The types of command-line arguments: each function reads one, or says what is wrong with it."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from typing import Final

_MAX_PORT: Final = 65535


def names(text: str) -> list[str]:
    """Read names that are separated by commas."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise ArgumentTypeError(f"must be names separated by commas, not {text!r}")
    return found


def count(text: str) -> int:
    """Read a whole number from 1 up."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"must be a whole number from 1 up, not {text!r}")
    return number


def duration(text: str) -> float:
    """Read a finite number of seconds above 0."""
    seconds = _number(text)
    if not 0 < seconds < math.inf:
        raise ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return seconds


def duration_or_none(text: str) -> float:
    """Read a number of seconds: 0, any other, or inf."""
    seconds = _number(text)
    if not seconds >= 0:
        raise ArgumentTypeError(f"must be a number of seconds, not {text!r}")
    return seconds


def interval(text: str) -> float | None:
    """Read a number of seconds above 0; 0 and inf are `None`, for never."""
    seconds = duration_or_none(text)
    return seconds if 0 < seconds < math.inf else None


def factor(text: str) -> float:
    """Read a number above 0, or inf."""
    number = _number(text)
    if not number > 0:
        raise ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return number


def port(text: str) -> int:
    """Read a port; 0 is any that is free."""
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise ArgumentTypeError(f"must be 0 to {_MAX_PORT}, not {text!r}")
    return int(text)


def header(text: str) -> tuple[str, str]:
    """Read the name and the value of a header."""
    name, colon, value = text.partition(":")
    if not colon:
        raise ArgumentTypeError("must be NAME:VALUE, there is no colon in it")
    return name.strip(), value.strip()


def cookie(text: str) -> tuple[str, str]:
    """Read the name and the value of a cookie; an error does not quote it."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ArgumentTypeError("must be NAME=VALUE, there is no = in it")
    return name, value


def credentials(text: str) -> tuple[str, str | None]:
    """Read a user name and a password; `None` if there is only a user name."""
    user, colon, password = text.partition(":")
    return user, password if colon else None


def proxy(text: str) -> str | bool:
    """Read the URL of a proxy; `True` for the proxy of the environment."""
    return True if text == "env" else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
