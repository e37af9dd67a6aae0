"""The settings of reconnecting. Public names: `Reconnect`, `should_retry`."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from .._base.arguments import check_callable, check_interval, check_window
from ..connection import WebSocketConnection
from ..exceptions import CertificateMismatch, HandshakeError, ProtocolError, QueueOverflow

# Request Timeout, Too Early, Too Many Requests: statuses that ask to come again.
_PASSING_STATUSES: Final = frozenset({408, 425, 429})


def should_retry(exc: Exception) -> bool:
    """Tell whether it is worth connecting again after `exc`: whether time alone may mend it.

    The default of `Reconnect.should_retry`; call it from a function of your own to decide some
    errors otherwise.

    - Yes: `OSError`, so name lookup, TCP, TLS and `TimeoutError`; `ConnectionDisconnected`,
      `ProtocolError` and `QueueOverflow`, which ended a connection; a `HandshakeError` (so a
      `ProxyError`) without a status, or with 408, 425, 429 or 5xx.
    - No: a `HandshakeError` with any other status; `CertificateMismatch`; `TypeError` and
      `ValueError`, so `InvalidURL` and `ssl.SSLCertVerificationError`; whatever else.
    - An exception group: if it is yes for each of its errors.
    """
    if isinstance(exc, ExceptionGroup):
        return all(should_retry(part) for part in exc.exceptions)
    # A certificate that is not to be trusted is an OSError too.
    if isinstance(exc, TypeError | ValueError | CertificateMismatch):
        return False
    if isinstance(exc, HandshakeError) and exc.status is not None:
        return exc.status in _PASSING_STATUSES or 500 <= exc.status <= 599
    return isinstance(exc, OSError | ProtocolError | QueueOverflow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """How `async for ws in connect(url, reconnect=...)` connects again.

    Before each attempt but the very first it waits for a random time from 0 to a ceiling
    (full jitter), which begins with `initial` and grows with each attempt (RFC 6455 section 7.2.3).

    Attributes:
        initial: the first ceiling in seconds.
        maximum: the highest ceiling in seconds.
        factor: what the ceiling is multiplied by for the next attempt; 1 or more.
        reset_after: seconds after which a connection counts as a good one: when it ends, the
            ceiling is `initial` again. It keeps growing while connections end earlier.
        give_up_after: seconds without a connection after which the last error is raised; the
            attempt that begins last may still take its time. `None` to never give up.
        max_retry_after: a server that refuses may say how many seconds to stay away (Retry-After,
            RFC 9110 section 10.2.3). That time is waited out, and the random time after it; if it
            is more than this many seconds, the error is raised at once.
        should_retry: tells whether to go on after an error of an attempt, or the
            `ConnectionDisconnected` with which a connection ended; else the error is raised.
        on_open: called with each new connection before it is given out, to log in or
            subscribe; a function or a coroutine function. It has `open_timeout` seconds
            to finish. If it fails, the connection is closed, and the attempt failed with its error.
        max_lifetime: seconds after which a connection is replaced: the next one is opened while
            the old one is still in use, `on_open` runs, and only then the old one is closed,
            with code 1000. Where that fails, the old one stays, and the attempts go on.
            `None` to keep connections for as long as they last.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: a number is out of range.
    """

    initial: float = 1.0
    maximum: float = 60.0
    factor: float = 2.0
    reset_after: float = 10.0
    give_up_after: float | None = None
    max_retry_after: float = 3600.0
    should_retry: Callable[[Exception], bool] = should_retry
    on_open: Callable[[WebSocketConnection], Awaitable[object] | object] | None = None
    max_lifetime: float | None = None

    def __post_init__(self) -> None:
        for name in ("initial", "maximum", "reset_after", "max_retry_after"):
            check_window(name, getattr(self, name))
        if self.maximum < self.initial:
            raise ValueError(
                f"maximum must be initial ({self.initial} seconds) or more, not {self.maximum}"
            )
        _check_factor(self.factor)
        for name in ("give_up_after", "max_lifetime"):
            check_interval(name, getattr(self, name))
        check_callable("should_retry", self.should_retry)
        if self.on_open is not None:
            check_callable("on_open", self.on_open)


def _check_factor(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"factor must be a number, not {type(value).__name__}")
    if not 1 <= value < math.inf:
        raise ValueError(f"factor must be a finite number from 1, not {value}")
