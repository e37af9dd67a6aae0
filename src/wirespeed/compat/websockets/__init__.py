"""The asyncio client of `websockets`, as a drop-in: change the import, keep the program.

Use `from wirespeed.compat import websockets` in place of `import websockets`.
docs/compat-websockets.md lists the differences.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _real

_real.fall_through()

if TYPE_CHECKING:
    from ._connect import connect as connect, unix_connect as unix_connect
    from ._connection import ClientConnection as ClientConnection
    from ._legacy import WebSocketClientProtocol as WebSocketClientProtocol
    from ._own.datastructures import *  # noqa: F403
    from ._own.exceptions import *  # noqa: F403
    from ._own.frames import Close as Close, CloseCode as CloseCode, Opcode as Opcode
    from ._own.http11 import *  # noqa: F403
    from ._own.legacy_exceptions import *  # noqa: F403
    from ._own.protocol import Side as Side, State as State
    from ._own.typing import *  # noqa: F403

    __version__: str

# Where each name is. Before release 14, `connect` was the old client.
_CLIENT = "asyncio.client" if _real.MAJOR >= 14 else "legacy.client"
_PLACES = {
    "ClientConnection": "asyncio.client",
    "WebSocketClientProtocol": "legacy.client",
    "connect": _CLIENT,
    "unix_connect": _CLIENT,
}
_PARTS = (
    "exceptions",
    "frames",
    "datastructures",
    "http11",
    "protocol",
    "typing",
    "legacy.exceptions",
)
_MODULES = (
    "asyncio",
    "client",
    "datastructures",
    "exceptions",
    "frames",
    "http11",
    "legacy",
    "protocol",
    "typing",
    "uri",
    "version",
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _real.look_up("version", "version")
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _real.REAL is not None:
        return _real.look_up("", name)
    if name == "__all__":
        return [*_PLACES, *(own for part in _PARTS for own in _real.look_up(part, name))]
    for part in _PARTS:
        try:
            return _real.look_up(part, name)
        except AttributeError:
            continue
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: it has asyncio's client only,"
        " the rest needs the package websockets"
    )
