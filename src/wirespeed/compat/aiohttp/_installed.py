"""The installed `aiohttp`, if there is one.

Where it is installed, its exceptions, enums and settings are the face's, so that a program and the
libraries that it uses catch and compare the same classes.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterable
from typing import Any, Final

# Without these it is too old: some classes would be its own and others ours.
_NEEDED: Final = ("ClientConnectorDNSError", "ClientWSTimeout", "ConnectionTimeoutError")


def _find() -> Any:
    with contextlib.suppress(ImportError):
        found = importlib.import_module("aiohttp")
        if all(hasattr(found, name) for name in _NEEDED):
            return found
    return None


REAL: Final[Any] = _find()


def prefer_aiohttp(module: str, namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Replace names here by those of a module of the installed aiohttp, where it has them.

    Args:
        module: the module of aiohttp; empty for aiohttp itself.
        namespace: the globals of the module here.
        names: the names to replace.
    """
    if REAL is None:
        return
    theirs = importlib.import_module(f"aiohttp.{module}") if module else REAL
    namespace.update({name: getattr(theirs, name) for name in names if hasattr(theirs, name)})


def finder(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module here that has the name of one of aiohttp's.

    The function finds the names that the module here does not have.
    """

    def find(name: str) -> Any:
        if REAL is None or name.startswith("__"):
            raise AttributeError(f"wirespeed.compat.aiohttp.{module} has no {name!r}")
        return getattr(importlib.import_module(f"aiohttp.{module}"), name)

    return find
