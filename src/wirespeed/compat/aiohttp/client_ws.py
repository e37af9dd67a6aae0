"""The names of `aiohttp.client_ws`."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder
from wirespeed.compat.aiohttp._messages import (
    WSMessage,
)
from wirespeed.compat.aiohttp._names import (
    ClientError,
    ClientWSTimeout,
    ServerTimeoutError,
    WSCloseCode,
    WSMessageTypeError,
    WSMsgType,
)
from wirespeed.compat.aiohttp._response import (
    ClientWebSocketResponse,
)

__all__ = [
    "ClientError",
    "ClientWSTimeout",
    "ClientWebSocketResponse",
    "ServerTimeoutError",
    "WSCloseCode",
    "WSMessage",
    "WSMessageTypeError",
    "WSMsgType",
]

__getattr__ = finder("client_ws")
