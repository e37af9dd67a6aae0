"""The names of `aiohttp.http` that are about WebSockets."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder
from wirespeed.compat.aiohttp._messages import (
    WSMessage,
)
from wirespeed.compat.aiohttp._names import (
    WebSocketError,
    WSCloseCode,
    WSMsgType,
)

__all__ = [
    "WSCloseCode",
    "WSMessage",
    "WSMsgType",
    "WebSocketError",
]

__getattr__ = finder("http")
