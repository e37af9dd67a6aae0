"""The floors of the house: which module may import which.

Knows nothing of what a module does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Set as AbstractSet
from graphlib import CycleError, TopologicalSorter

from house.imports import Import, imports_of

# From the bottom up. A module imports from its own floor (without a circle) and from those below;
# on the floor of the channel the rooms are in order, each a floor of its own.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("_close_info", "_latency", "_response", "_rfc6455", "_version", "exceptions"),
    (
        *("_codec", "_inflate", "_zlib"),
        *("_core", "_core_builder", "_core_bytes", "_core_socket", "_core_wake"),
        *("_purepython", "_pure_builder", "_pure_bytes", "_pure_checks", "_pure_socket"),
        *("_pure_wake", "_pure_whole"),
    ),
    ("_backend",),
    (
        *("_arguments", "_backoff", "_deflate", "_deflater", "_fragments", "_handshake", "_phases"),
        *("_payload", "_protocol", "_queue", "_request", "_response_head", "_stats", "_timers"),
        *("_url", "_verdict"),
    ),
    ("_proxy_choice", "_tunnel"),
    ("_channel.message", "_channel.reading", "_channel.waiter"),
    ("_channel.held",),
    ("_channel.outgoing",),
    ("_channel.stream_sending",),
    ("_channel.inbox",),
    ("_channel.conflation",),
    ("_channel.bounds",),
    ("_channel.lanes",),
    ("_channel.unfinished",),
    ("_channel.stream_receiving",),
    ("_channel.typed",),
    ("_channel.sending",),
    ("_channel.channel",),
    ("_channel.link",),
    ("_channel.transport",),
    ("_channel",),
    ("_closing",),
    ("_keepalive", "_pings", "_silence", "_trace"),
    ("connection",),
    ("_plan",),
    ("_route", "_socks", "_tcp", "_tls"),
    ("_dial", "_proxy", "_redirect"),
    ("_opening",),
    ("_attempt",),
    ("_reconnect",),
    ("client",),
    ("web_socket_client",),
    (
        *("", "compat", "compat.aiohttp"),
        *(f"compat.aiohttp._{name}" for name in ("arguments", "connection", "errors")),
        *(f"compat.aiohttp._{name}" for name in ("messages", "response", "session")),
        "compat.aiohttp._translation",
        *("_demo", "_demo_certificate", "_demo_report", "_feed", "_ticks"),
        *("_console", "_lines", "_open_session", "_session"),
    ),
    (
        *("_bench", "_bench.machine", "_bench.works", "_bench.payloads"),
        *("_bench.peers", "_bench.peers.client", "_bench.contenders"),
    ),
    tuple(
        f"_bench.peers.{name}"
        for name in (
            *("aiohttp_client", "aiosonic_client", "compat_aiohttp", "floor", "picows_callbacks"),
            *("picows_websockets", "websockets_client", "wirespeed_client"),
        )
    ),
    ("_bench.measure", "_bench.serving", "_bench.upgrade"),
    ("_bench.server", "_bench.worker"),
    ("_bench.figures", "_bench.processes"),
    ("_bench.report", "_bench.runner"),
    ("_bench.charts", "_bench.progress", "_bench.results"),
    ("_bench.command",),
    ("__main__",),
)
ASYNCIO_STARTS_AT = "_channel.reading"
ASYNCIO_AND_SOCKETS = frozenset({"aiofastnet", "asyncio", "selectors", "socket", "ssl", "uvloop"})

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str:
    """Strip the package's name; the compiled channel is on the floor of its source."""
    room = module.partition(".")[2]
    return room.replace("_channel_c", "_channel", 1) if room.startswith("_channel_c") else room


def is_inside(module: str) -> bool:
    """Tell whether the module is of this package."""
    return module.partition(".")[0] == "wirespeed"


def faults_in(
    sources: Mapping[str, str],
    *,
    packages: AbstractSet[str],
    third_party: AbstractSet[str],
    bench: AbstractSet[str] = frozenset(),
) -> list[str]:
    """Name everything that breaks the order of the house.

    Args:
        sources: each module's source, by its full name.
        packages: those modules that are packages.
        third_party: what may be imported from elsewhere.
        bench: what the benchmark may import beside that, and nobody else.
    """
    imports = [
        found
        for name in sources
        for found in imports_of(name, sources, is_package=name in packages)
    ]
    faults = [f"{name} has no floor" for name in sources if room_of(name) not in FLOOR_OF]
    if faults:
        return faults
    for found in imports:
        in_bench = room_of(found.importer).startswith("_bench.")
        allowed = third_party | bench if in_bench else third_party
        fault = _fault_inside(found) if is_inside(found.module) else _fault(found, allowed)
        if fault:
            faults.append(f"{found.importer}, line {found.line}: {fault}")
    return faults + _circles(imports)


def _fault_inside(found: Import) -> str | None:
    room, other = room_of(found.importer), room_of(found.module)
    if other not in FLOOR_OF:
        return f"imports {found.module}, which has no floor"
    if FLOOR_OF[room] < FLOOR_OF[other]:
        return f"imports {found.module} from a floor above"
    return None


def _fault(found: Import, third_party: AbstractSet[str]) -> str | None:
    top = found.module.partition(".")[0]
    below = FLOOR_OF[room_of(found.importer)] < FLOOR_OF[ASYNCIO_STARTS_AT]
    if below and top in ASYNCIO_AND_SOCKETS:
        return f"imports {top} below the floor where asyncio starts"
    if top == "cython":
        return "imports cython, the same source must run without it"
    if top not in sys.stdlib_module_names and top not in third_party:
        return f"imports {top}, which pyproject.toml does not name"
    return None


def _circles(imports: list[Import]) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for found in imports:
        if is_inside(found.module):
            sorter.add(found.importer, found.module)
    try:
        sorter.prepare()
    except CycleError as error:
        return [f"a circle: {' < '.join(error.args[1])}"]
    return []
