"""The release of `websockets` whose behaviour the face has if none is installed."""

from __future__ import annotations

from typing import Final

__all__ = ["commit", "tag", "version"]

tag: Final = "17.0"
version: Final = tag
commit: Final = tag
