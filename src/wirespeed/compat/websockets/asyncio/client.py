"""The asyncio client: `connect`, `unix_connect` and `ClientConnection`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _real
from .._connect import connect, unix_connect
from .._connection import ClientConnection
from .._own.client import backoff, process_exception

__all__ = ["ClientConnection", "backoff", "connect", "process_exception", "unix_connect"]

if not TYPE_CHECKING:
    __getattr__ = _real.mirror("asyncio.client")
