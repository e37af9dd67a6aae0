"""Puts a face in the place of the library that it stands for, in one process.

Public names: `install`, `uninstall`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, Final

from ._aliases import AliasFinder

__all__ = ["install", "uninstall"]

_MISSING: Final = object()


class Swap:
    """Replaced names and modules, which can be put back."""

    def __init__(self) -> None:
        self._names: list[tuple[Any, str, Any]] = []
        self._finders: list[tuple[AliasFinder, str]] = []

    def replace(self, module: Any, name: str, value: Any) -> None:
        """Give a name in a module another value."""
        self._names.append((module, name, vars(module).get(name, _MISSING)))
        setattr(module, name, value)

    def alias(self, name: str, target: str) -> None:
        """Let the package `target` be imported as `name`."""
        finder = AliasFinder(name, target)
        sys.meta_path.insert(0, finder)
        self._finders.append((finder, name))

    def undo(self) -> None:
        """Put everything back."""
        for module, name, value in reversed(self._names):
            if value is _MISSING:
                delattr(module, name)
            else:
                setattr(module, name, value)
        for finder, name in self._finders:
            sys.meta_path.remove(finder)
            for imported in [key for key in sys.modules if f"{key}.".startswith(f"{name}.")]:
                del sys.modules[imported]


def _websockets() -> Swap:
    real = importlib.import_module(".websockets._real", __package__)
    swap = Swap()
    if real.REAL is None:
        swap.alias("websockets", f"{__package__}.websockets")
        return swap
    new = importlib.import_module(".websockets.asyncio.client", __package__)
    old = importlib.import_module(".websockets.legacy.client", __package__)
    main = new if real.MAJOR >= 14 else old
    news = ("ClientConnection", "connect", "unix_connect")
    olds = ("WebSocketClientProtocol", "connect", "unix_connect")
    for part, source, names in (
        ("", main, ("connect", "unix_connect")),
        ("", new, ("ClientConnection",)),
        ("", old, ("WebSocketClientProtocol",)),
        ("asyncio.client", new, news),
        ("client", old, olds),
        ("legacy.client", old, olds),
    ):
        module = real.real_part(part)
        for name in names if module is not None else ():
            swap.replace(module, name, getattr(source, name))
    return swap


def _aiohttp() -> Swap:
    face = importlib.import_module(".aiohttp", __package__)
    real = importlib.import_module(".aiohttp._installed", __package__).REAL
    swap = Swap()
    if real is None:
        swap.alias("aiohttp", f"{__package__}.aiohttp")
        return swap
    in_place = importlib.import_module(".aiohttp._in_place", __package__)
    session = real.ClientSession
    swap.replace(session, "ws_connect", in_place.ws_connect)
    swap.replace(session, "close", in_place.closing_both(session.close))
    swap.replace(real, "WSMessage", face.WSMessage)
    return swap


def _aiosonic() -> Swap:
    face = importlib.import_module(".aiosonic", __package__)
    library = importlib.import_module("aiosonic")
    real = importlib.import_module("aiosonic.web_socket_client")
    # Until release 0.23, connections had two queues, and messages no type of their own.
    client = face.OneQueueClient if hasattr(real, "Message") else face.WebSocketClient
    swap = Swap()
    for name in ("Message", "MessageType", "ProtocolHandler", "WebSocketConnection"):
        for module in (real, library):
            swap.replace(module, name, getattr(face, name))
    for module in (real, library):
        swap.replace(module, "WebSocketClient", client)
    return swap


_LIBRARIES: Final[dict[str, Callable[[], Swap]]] = {
    "aiohttp": _aiohttp,
    "aiosonic": _aiosonic,
    "websockets": _websockets,
}
_installed: dict[str, Swap] = {}


def install(library: str) -> None:
    """Let `import` of a library give its face from now on, in this process.

    Call it before other imports: a name that was imported with `from` stays what it was. Where the
    library is installed, only its WebSocket client is replaced; of aiohttp, that is
    `ClientSession.ws_connect`. Where it is not, the face is imported under its name; aiosonic must
    be installed. A second call has no effect.

    Args:
        library: "aiohttp", "aiosonic" or "websockets".

    Raises:
        ImportError: aiosonic is not installed.
        ValueError: there is no face of this library that can be installed.
    """
    if library not in _LIBRARIES:
        raise ValueError(f"no face of {library!r} can be installed, only {', '.join(_LIBRARIES)}")
    if library not in _installed:
        _installed[library] = _LIBRARIES[library]()


def uninstall(library: str) -> None:
    """Undo `install`. Programs keep what they have imported meanwhile."""
    swap = _installed.pop(library, None)
    if swap is not None:
        swap.undo()
