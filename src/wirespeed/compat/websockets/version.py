"""The names of `websockets.version`: those of the installed package, or else our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _real

if TYPE_CHECKING:
    from ._own.version import *  # noqa: F403
else:
    __getattr__ = _real.mirror("version")
