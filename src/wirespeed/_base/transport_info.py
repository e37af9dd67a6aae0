"""What a transport tells about itself, whatever its class and its state."""

from __future__ import annotations

from typing import Any

__all__ = ["extra_info"]


def extra_info(transport: Any, name: str) -> Any:
    """Return something about a transport, `None` if it does not know."""
    # A transport whose peer is gone may raise: uvloop's has no socket any more.
    try:
        return transport.get_extra_info(name)
    except Exception:
        return None
