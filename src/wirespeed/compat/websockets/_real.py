"""The installed `websockets`, if there is one, and where each name of the face comes from.

Where it is installed, exceptions, enums and small types are its own, so that `except` clauses and
comparisons elsewhere in the program work. `_own` has the same names for programs without it.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from .._aliases import AliasFinder

_FACE: Final = __name__.rpartition(".")[0]
_FOLDER: Final = Path(__file__).parent
# The release whose behaviour the face has if none is installed.
_DEFAULT_MAJOR: Final = 17
# Before it, `websockets` had no `asyncio` package.
_OLDEST_MAJOR: Final = 13


def _installed() -> ModuleType | None:
    try:
        package = importlib.import_module("websockets")
        version = importlib.import_module("websockets.version")
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] != "websockets":
            raise
        return None
    return package if int(version.version.partition(".")[0]) >= _OLDEST_MAJOR else None


REAL: Final = _installed()
# The major version of the installed package, whose behaviour the face follows.
MAJOR: Final = (
    _DEFAULT_MAJOR
    if REAL is None
    else int(importlib.import_module("websockets.version").version.partition(".")[0])
)


def real_part(part: str) -> ModuleType | None:
    """Return a module of the installed package; `None` if it does not exist."""
    if REAL is None:
        return None
    try:
        with warnings.catch_warnings():
            # Importing `websockets.legacy` warns that it is deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(f"websockets.{part}" if part else "websockets")
    except ModuleNotFoundError:
        return None


def look_up(part: str, name: str) -> Any:
    """Return a name of a module of `websockets`: that of the installed package, or else our own.

    Args:
        part: the module, such as "exceptions".
        name: the name in it.

    Raises:
        AttributeError: neither has it.
    """
    module = real_part(part)
    if module is not None and hasattr(module, name):
        return getattr(module, name)
    # `websockets.exceptions` has the exceptions of the old client, too.
    for own_part in (part, f"legacy.{part}"):
        try:
            own = importlib.import_module(f"{_FACE}._own.{own_part.replace('.', '_')}")
        except ModuleNotFoundError:
            continue
        if hasattr(own, name):
            return getattr(own, name)
    module_name = f"{_FACE}.{part}" if part else _FACE
    raise AttributeError(f"module {module_name!r} has no attribute {name!r}")


def mirror(part: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module that mirrors a module of `websockets`."""

    def get(name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {f'{_FACE}.{part}'!r} has no attribute {name!r}")
        return look_up(part, name)

    return get


def _is_own(module: str) -> bool:
    place = _FOLDER.joinpath(*module.removeprefix(_FACE).split("."))
    return place.is_dir() or place.with_suffix(".py").exists()


def fall_through() -> None:
    """Let what the face does not have be imported from the installed package."""
    sys.meta_path.insert(
        0,
        AliasFinder(
            _FACE,
            None if REAL is None else "websockets",
            is_own=_is_own,
            advice="the face has asyncio's client only, the rest needs the package websockets",
        ),
    )
