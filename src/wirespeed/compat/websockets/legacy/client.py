"""The old client: `connect`, `unix_connect` and `WebSocketClientProtocol`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _real
from .._legacy import WebSocketClientProtocol, connect, unix_connect

__all__ = ["WebSocketClientProtocol", "connect", "unix_connect"]

if not TYPE_CHECKING:
    __getattr__ = _real.mirror("legacy.client")
