"""The exceptions of the old client: those of the installed package, or else our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _real

if TYPE_CHECKING:
    from .._own.legacy_exceptions import *  # noqa: F403
else:
    __getattr__ = _real.mirror("legacy.exceptions")
