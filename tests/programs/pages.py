"""What the programs that drive a browser have in common."""

from __future__ import annotations

import shutil
import struct
from typing import Final

# Where a Chromium is; the programs are left out without one.
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")

# A page with a counter, and nothing that differs between runs.
PAGE: Final = (
    "data:text/html,<title>a page</title><h1 onclick='clicks++'>Click</h1>"
    "<script>let clicks = 0; const next = n => n + 1;</script>"
)


def size_of(png: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n"), png[:20]
    width, height = struct.unpack_from(">II", png, 16)
    return width, height
