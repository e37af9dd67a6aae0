"""The names of `websockets.client`: the old client, and those of the installed package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _real
from ._legacy import WebSocketClientProtocol, connect, unix_connect
from ._own.client import backoff, process_exception

__all__ = [
    "WebSocketClientProtocol",
    "backoff",
    "connect",
    "process_exception",
    "unix_connect",
]

if not TYPE_CHECKING:
    __getattr__ = _real.mirror("client")
