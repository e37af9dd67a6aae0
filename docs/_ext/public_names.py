"""Lets public objects name the module that programs import them from, not a private one.

Annotations then link to the reference.
"""

from __future__ import annotations

import sys
from typing import Any

PUBLIC = (
    "wirespeed.relay",
    "wirespeed.metrics",
    "wirespeed.testing",
    "wirespeed.exceptions",
    "wirespeed.compat",
    "wirespeed",
)


def setup(app: Any) -> dict[str, bool]:
    """Name the public modules."""
    for module_name in PUBLIC:
        module = sys.modules[module_name]
        for name in module.__all__:
            thing = getattr(module, name)
            if getattr(thing, "__module__", "").startswith("wirespeed._") or (
                module_name == "wirespeed" and isinstance(thing, type)
            ):
                thing.__module__ = module_name
    return {"parallel_read_safe": True}
