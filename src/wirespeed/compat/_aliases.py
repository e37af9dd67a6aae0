"""Lets a module be imported under a second name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class AliasFinder(MetaPathFinder):
    """Finds the modules of one package under the name of another.

    Args:
        name: the package as it is imported.
        target: the package that has the modules; `None` if it is not installed.
        is_own: tells whether a module below `name` exists itself, and needs no alias.
        advice: the text of the error if there is no target.
    """

    def __init__(
        self,
        name: str,
        target: str | None,
        *,
        is_own: Callable[[str], bool] = lambda _: False,
        advice: str = "",
    ) -> None:
        self._name = name
        self._target = target
        self._is_own = is_own
        self._advice = advice

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of an alias; `None` for modules that are none of ours."""
        if fullname != self._name and not fullname.startswith(f"{self._name}."):
            return None
        if self._is_own(fullname):
            return None
        if self._target is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: {self._advice}", name=fullname
            )
        return ModuleSpec(fullname, _Alias(self._target + fullname.removeprefix(self._name)))


class _Alias(Loader):
    """Puts the module of another name in the place of the one that is imported."""

    def __init__(self, target: str) -> None:
        self._target = target

    def exec_module(self, module: ModuleType) -> None:
        # The import system returns what is here afterwards.
        sys.modules[module.__name__] = importlib.import_module(self._target)
