"""Puts another package in the place of `picows.websockets`, for the tests of picows.

The environment variable PEER_TARGET names the package.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import picows

_PLACE = "picows.websockets"
_TARGET = os.environ["PEER_TARGET"]


class _Absent:
    """Stands for a name that only picows has: a test that uses it fails."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise AssertionError(f"only picows has {self._name}")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"only picows has {self._name}.{name}")


class _Mirror(ModuleType):
    """A module with the names of another; those that it lacks are `_Absent`."""

    def __init__(self, name: str, module: ModuleType | None) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.__dict__.get("_module")
        try:
            return getattr(module, name)
        except AttributeError:
            return _Absent(name)


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        is_in_place = f"{fullname}.".startswith(f"{_PLACE}.")
        return ModuleSpec(fullname, self) if is_in_place else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        try:
            module = importlib.import_module(spec.name.replace(_PLACE, _TARGET))
        except ImportError:
            module = None
        return _Mirror(spec.name, module)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is complete."""


for imported in [name for name in sys.modules if f"{name}.".startswith(f"{_PLACE}.")]:
    del sys.modules[imported]
sys.meta_path.insert(0, _Finder())
picows.websockets = importlib.import_module(_PLACE)
