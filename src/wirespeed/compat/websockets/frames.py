"""The names of `websockets.frames`: those of the installed package, or else our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _real

if TYPE_CHECKING:
    from ._own.frames import *  # noqa: F403
else:
    __getattr__ = _real.mirror("frames")
