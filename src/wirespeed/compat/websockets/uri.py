"""The names of `websockets.uri`: those of the installed package, or else our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _real

if TYPE_CHECKING:
    from ._own.uri import *  # noqa: F403
else:
    __getattr__ = _real.mirror("uri")
