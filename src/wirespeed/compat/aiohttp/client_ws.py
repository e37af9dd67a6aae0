"""The names of `aiohttp.client_ws`."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder as _finder
from wirespeed.compat.aiohttp._messages import WSMessage as WSMessage
from wirespeed.compat.aiohttp._names import *
from wirespeed.compat.aiohttp._response import ClientWebSocketResponse as ClientWebSocketResponse

__getattr__ = _finder("client_ws")
