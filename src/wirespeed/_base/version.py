"""The version of the package.

Packaging, `User-Agent` and the public names read it from here.
"""

from __future__ import annotations

from typing import Final

__version__: Final = "1.0.0rc1"
