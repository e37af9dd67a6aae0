"""The error of a call from a thread that a connection does not belong to."""

from __future__ import annotations


def wrong_thread() -> RuntimeError:
    """Return the error, which says what to do."""
    return RuntimeError(
        "a connection may only be used in the thread of its event loop;"
        " in other threads use asyncio.run_coroutine_threadsafe"
    )
