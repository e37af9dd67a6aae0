"""The names of `aiohttp.client`."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder as _finder
from wirespeed.compat.aiohttp._names import *
from wirespeed.compat.aiohttp._response import ClientWebSocketResponse as ClientWebSocketResponse
from wirespeed.compat.aiohttp._session import ClientSession as ClientSession

__getattr__ = _finder("client")
