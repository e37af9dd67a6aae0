"""The names of `aiohttp.client_exceptions`."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder as _finder
from wirespeed.compat.aiohttp._names import *

__getattr__ = _finder("client_exceptions")
