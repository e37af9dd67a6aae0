"""The names of `aiohttp.http` that are about WebSockets."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder as _finder
from wirespeed.compat.aiohttp._messages import WSMessage as WSMessage
from wirespeed.compat.aiohttp._names import *

__getattr__ = _finder("http")
