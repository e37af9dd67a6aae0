"""The floors of the house: which part of the package may import which.

A part is a folder or a module directly inside the package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Set as AbstractSet
from graphlib import CycleError, TopologicalSorter

from house.imports import Import, imports_of

# From the bottom up. A module imports from its own floor and from those below. Neither modules nor
# parts import each other in a circle, for type checkers or at run time.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("_base",),
    ("exceptions",),
    ("_codec", "_handshake"),
    ("_timers",),
    ("_channel",),
    ("_lifecycle",),
    ("connection",),
    ("_network",),
    ("_opening",),
    ("client",),
    ("compat", "metrics", "relay", "testing"),
    ("__init__", "__main__", "_bench", "_cli", "web_socket_client"),
)
ASYNCIO_STARTS_AT = "_timers"
ASYNCIO_AND_SOCKETS = frozenset({"aiofastnet", "asyncio", "selectors", "socket", "ssl", "uvloop"})
# An error of TLS is an `ssl.SSLError` too; its class does no I/O.
ALLOWED_BELOW = frozenset({("exceptions", "ssl")})

NOTHING_MORE: Mapping[str, AbstractSet[str]] = {}

FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}


def part_of(module: str) -> str:
    """Return the part that a module belongs to; the compiled channel counts as its source."""
    part = module.removeprefix("wirespeed").removeprefix(".").partition(".")[0] or "__init__"
    return "_channel" if part == "_channel_c" else part


def is_inside(module: str) -> bool:
    """Tell whether the module is of this package."""
    return module.partition(".")[0] == "wirespeed"


def faults_in(
    sources: Mapping[str, str],
    *,
    packages: AbstractSet[str],
    third_party: AbstractSet[str],
    more: Mapping[str, AbstractSet[str]] = NOTHING_MORE,
) -> list[str]:
    """Name everything that breaks the order of the house.

    Args:
        sources: each module's source, by its full name.
        packages: those modules that are packages.
        third_party: what may be imported from elsewhere.
        more: what single parts may import as well, by the part.
    """
    imports = [
        found
        for name in sources
        for found in imports_of(name, sources, is_package=name in packages)
    ]
    faults = [f"{name} has no floor" for name in sources if part_of(name) not in FLOOR_OF]
    if faults:
        return faults
    for found in imports:
        allowed = third_party | more.get(part_of(found.importer), frozenset())
        fault = _fault_inside(found) if is_inside(found.module) else _fault(found, allowed)
        if fault:
            faults.append(f"{found.importer}, line {found.line}: {fault}")
    inside = [found for found in imports if is_inside(found.module)]
    parts = [(part_of(found.importer), part_of(found.module)) for found in inside]
    return [
        *faults,
        *_circles((found.importer, found.module) for found in inside),
        *_circles((importer, part) for importer, part in parts if importer != part),
    ]


def _fault_inside(found: Import) -> str | None:
    part, other = part_of(found.importer), part_of(found.module)
    if other not in FLOOR_OF:
        return f"imports {found.module}, which has no floor"
    if FLOOR_OF[part] < FLOOR_OF[other]:
        return f"imports {found.module} from a floor above"
    return None


def _fault(found: Import, third_party: AbstractSet[str]) -> str | None:
    top = found.module.partition(".")[0]
    below = FLOOR_OF[part_of(found.importer)] < FLOOR_OF[ASYNCIO_STARTS_AT]
    is_allowed = found.for_types or (part_of(found.importer), top) in ALLOWED_BELOW
    if below and top in ASYNCIO_AND_SOCKETS and not is_allowed:
        return f"imports {top} below the floor where asyncio starts"
    if top == "cython":
        return "imports cython, the same source must run without it"
    if top in sys.stdlib_module_names or top in third_party or found.for_types:
        return None
    return f"imports {top}, which pyproject.toml does not name"


def _circles(edges: Iterable[tuple[str, str]]) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for importer, imported in edges:
        sorter.add(importer, imported)
    try:
        sorter.prepare()
    except CycleError as error:
        return [f"a circle: {' < '.join(error.args[1])}"]
    return []
