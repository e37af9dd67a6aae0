"""The parameters of a session that are about requests; a session of `aiohttp` makes those."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from ._installed import REAL

# What a session has only with aiohttp.
NEED_AIOHTTP: Final = frozenset(
    {"cookie_jar", "delete", "get", "head", "options", "patch", "post", "put", "request"}
)


# Kept from now on: a program may put the face's own session in the place of this one.
SESSION: Final[Any] = None if REAL is None else REAL.ClientSession


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise `TypeError` for a parameter that aiohttp's `ClientSession` does not have."""
    known = set() if SESSION is None else set(inspect.signature(SESSION).parameters)
    unknown = sorted(settings.keys() - known)
    if unknown:
        raise TypeError(f"ClientSession has no argument {', '.join(map(repr, unknown))} here")
