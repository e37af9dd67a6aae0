"""Connections that are not open: what `connect` would make, with its defaults."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, TypeVar

import wirespeed
from wirespeed import WebSocketConnection

C = TypeVar("C", bound=WebSocketConnection)


def _defaults() -> dict[str, Any]:
    """Return the defaults of `connect` that are for the connection."""
    wanted = inspect.signature(WebSocketConnection).parameters
    parameters = inspect.signature(wirespeed.connect).parameters
    return {name: each.default for name, each in parameters.items() if name in wanted}


DEFAULTS = _defaults()


def make_connection(kind: type[C] = WebSocketConnection, **options: Any) -> C:  # type: ignore[assignment]
    """Make a connection of the running event loop, with the defaults of `connect`."""
    return kind(asyncio.get_running_loop(), **{**DEFAULTS, **options})
