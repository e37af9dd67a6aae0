"""Makes connections that are not open, with the defaults of `connect`."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, TypeVar

import wirespeed
from wirespeed import WebSocketConnection

C = TypeVar("C", bound=WebSocketConnection)


def _defaults() -> dict[str, Any]:
    """Return those defaults of `connect` that `WebSocketConnection` takes."""
    wanted = inspect.signature(WebSocketConnection).parameters
    parameters = inspect.signature(wirespeed.connect).parameters
    return {name: each.default for name, each in parameters.items() if name in wanted}


DEFAULTS = _defaults()


def make_connection(kind: type[C] = WebSocketConnection, **options: Any) -> C:  # type: ignore[assignment]
    """Make a connection for the running event loop, with the defaults of `connect`."""
    return kind(asyncio.get_running_loop(), **{**DEFAULTS, **options})
