"""What a transport and its socket tell about themselves, whatever their class and their state."""

from __future__ import annotations

import struct
import sys
from typing import Any

__all__ = ["count_readable", "count_unacknowledged", "extra_info"]

if sys.platform == "win32":
    _WAITING = _UNACKNOWLEDGED = 0

    def _ask_system(descriptor: int, request: int) -> int:
        raise OSError("Windows has no such request")
else:
    import fcntl
    import termios

    _WAITING = termios.FIONREAD
    # Linux calls it SIOCOUTQ. Other systems do not tell what is acknowledged.
    _UNACKNOWLEDGED = termios.TIOCOUTQ if sys.platform == "linux" else 0

    def _ask_system(descriptor: int, request: int) -> int:
        answer = fcntl.ioctl(descriptor, request, bytes(struct.calcsize("i")))
        count: int = struct.unpack("i", answer)[0]
        return count


def count_readable(descriptor: int) -> int:
    """Count the bytes that wait in a socket; 0 where the system cannot tell."""
    try:
        return _ask_system(descriptor, _WAITING)
    except OSError:
        return 0


def count_unacknowledged(descriptor: int) -> int:
    """Count the written bytes that the peer's system has not acknowledged; 0 except on Linux."""
    if not _UNACKNOWLEDGED:
        return 0
    try:
        return _ask_system(descriptor, _UNACKNOWLEDGED)
    except OSError:
        return 0


def extra_info(transport: Any, name: str) -> Any:
    """Return something about a transport, `None` if it does not know."""
    # A transport whose peer is gone may raise: uvloop's has no socket any more.
    try:
        return transport.get_extra_info(name)
    except Exception:
        return None
