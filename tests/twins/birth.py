"""Makes each extension type without `__init__`, and calls each of its methods, in this process.

First each method alone, then several in random order, both also on a subclass.

Prints what it is about to do, so that the last line tells where it crashed, and in the end the
number of types.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import os
import pickle
import pkgutil
import random
import weakref
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

PACKAGES: Final = (
    "wirespeed._codec",
    "wirespeed._channel_c",
    "wirespeed._channel_c.receive",
    "wirespeed._channel_c.send",
)
# What these do is the business of Python's own object model.
SKIPPED: Final = {"__class__", "__init_subclass__", "__subclasshook__", "__del__", "__dir__"}
# How many objects of each type get their methods in random order, and how many calls each.
LIVES: Final = 100
CALLS: Final = 12
VALUES: Final[tuple[Any, ...]] = (None, 0, b"x", [])
FUNCTIONS: Final = (
    repr,
    hash,
    len,
    bool,
    iter,
    next,
    copy.copy,
    copy.deepcopy,
    pickle.dumps,
    weakref.ref,
)


def extension_modules() -> Iterator[ModuleType]:
    """Import the compiled modules."""
    for package in PACKAGES:
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            module = importlib.import_module(found.name)
            if not str(module.__file__).endswith(".py"):
                yield module


def extension_types() -> Iterator[Any]:
    """Find the types that compiled modules define."""
    for module in extension_modules():
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield value


def attempt(text: str, kind: Any, call: Any) -> None:
    """Call with a new object that was never initialised; any exception is fine."""
    os.write(1, f"{kind.__module__}.{kind.__qualname__} {text}\n".encode())
    try:
        call(kind.__new__(kind))
    except Exception:
        return


def try_all(kind: Any) -> None:
    """Try all functions and methods of one type."""
    for function in FUNCTIONS:
        attempt(function.__name__, kind, function)
    for name in sorted(set(dir(kind)) - SKIPPED):
        attempt(f"get {name}", kind, lambda made, name=name: getattr(made, name))
        for value in VALUES:
            attempt(f"{name} = {value!r}", kind, lambda made, n=name, v=value: setattr(made, n, v))
        attempt(f"del {name}", kind, lambda made, name=name: delattr(made, name))
        for arguments in argument_lists(kind):
            shown = f"{name}, {len(arguments)} arguments"
            attempt(shown, kind, lambda made, n=name, a=arguments: getattr(made, n)(*a))


def live(kind: Any, chance: random.Random) -> None:
    """Make an object, and call its methods in random order."""
    made = kind.__new__(kind)
    names = sorted(set(dir(kind)) - SKIPPED)
    for _ in range(CALLS):
        name, arguments = chance.choice(names), chance.choice(argument_lists(kind))
        shown = f"then {name}, {len(arguments)} arguments"
        os.write(1, f"{kind.__module__}.{kind.__qualname__} {shown}\n".encode())
        try:
            getattr(made, name)(*arguments)
        except (Exception, asyncio.CancelledError, GeneratorExit):
            continue


def subclass_of(kind: Any) -> Any:
    """Return a subclass, or `None` if the type is final."""
    try:
        return type(f"Sub{kind.__name__}", (kind,), {"__module__": kind.__module__})
    except TypeError:
        return None


def argument_lists(kind: Any) -> list[tuple[Any, ...]]:
    """Return arguments of which some pass the checks of any method."""
    made = kind.__new__(kind)
    return [
        (),
        (0,),
        (b"x",),
        ("x",),
        (None,),
        (made,),
        (1, b"x"),
        (made, made),
        (1, b"x", True),
        (1, b"x", True, False),
    ]


def main() -> None:
    """Try every type that can be made at all."""
    count = 0
    for kind in extension_types():
        count += 1
        try:
            kind.__new__(kind)
        except TypeError:
            continue
        for made in filter(None, (kind, subclass_of(kind))):
            try_all(made)
            chance = random.Random(made.__name__)
            for _ in range(LIVES):
                live(made, chance)
    os.write(1, f"{count} types\n".encode())


if __name__ == "__main__":
    main()
