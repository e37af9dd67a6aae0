"""Closes a connection that the program has dropped while it was open, with a warning."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import warnings
from collections.abc import Callable


def drop_unclosed(
    connection: object,
    transport: asyncio.Transport,
    loop: asyncio.AbstractEventLoop,
    abort: Callable[[], object],
) -> None:
    """Warn of an open connection that is being collected, and close it; for its `__del__`.

    The garbage collector may call this in any thread and at any point.
    """
    # Some transports refuse to tell anything in another thread.
    own = None
    with contextlib.suppress(Exception):
        own = transport.get_extra_info("socket")
        if own is None:
            return
    try:
        warnings.warn(
            f"unclosed connection {connection!r}", ResourceWarning, stacklevel=1, source=connection
        )
    finally:
        if not loop.is_closed():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(abort)
        elif isinstance(own, socket.socket):
            # The event loop's own transports close their sockets.
            own.close()
