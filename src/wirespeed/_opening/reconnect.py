"""The settings of reconnecting. Public names: `Reconnect`, `should_retry`."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from .._base.arguments import check_callable, check_seconds
from ..connection import WebSocketConnection
from ..exceptions import CertificateMismatch, HandshakeError, ProtocolError, QueueOverflow

# Request Timeout, Too Early, Too Many Requests: the client may try again later.
_PASSING_STATUSES: Final = frozenset({408, 425, 429})


def should_retry(exc: Exception) -> bool:
    """Return whether to connect again after `exc`, that is, whether waiting may help.

    This is the default of `Reconnect.should_retry`. To decide differently for some errors, pass
    your own function, and call this one from it for the others.

    - `True`: `OSError`, which includes errors of name lookup, TCP and TLS, and `TimeoutError`;
      `ConnectionDisconnected`, `ProtocolError` and `QueueOverflow`, which ended a connection; a
      `HandshakeError` (so also a `ProxyError`) without a status, or with 408, 425, 429 or 5xx.
    - `False`: a `HandshakeError` with any other status; `CertificateMismatch`; `TypeError` and
      `ValueError`, so also `InvalidURL`, `CertificateError` and `InvalidTLSContext`; any other
      error.
    - An exception group: `True` if the answer is `True` for each of its errors.
    """
    if isinstance(exc, ExceptionGroup):
        return all(should_retry(part) for part in exc.exceptions)
    # Before the check for `OSError`: the error of an untrusted certificate is one, too.
    if isinstance(exc, TypeError | ValueError | CertificateMismatch):
        return False
    if isinstance(exc, HandshakeError) and exc.status is not None:
        return exc.status in _PASSING_STATUSES or 500 <= exc.status <= 599
    return isinstance(exc, OSError | ProtocolError | QueueOverflow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """How `async for ws in connect(url, reconnect=...)` connects again.

    Before an attempt it waits for a random time from 0 to a ceiling (full jitter). The ceiling
    starts at `initial` and grows with each attempt (RFC 6455 section 7.2.3). It is never more than
    `initial` plus the length of the outage so far, so that a client with short draws does not wait
    a minute for a server that was away for seconds. It does not wait before the very first attempt,
    nor before the first one to replace a connection (`max_lifetime`).

    An outage begins with the first attempt, or with the end of a connection that lasted for
    `reset_after` seconds. Shorter connections do not end it. After an outage of D seconds, the
    next attempt comes within D + `initial` seconds, and within `maximum`.

    Attributes:
        initial: the first ceiling in seconds.
        maximum: the highest ceiling in seconds.
        factor: the ceiling is multiplied by this after each attempt; 1 or more.
        reset_after: a connection that lasts for this many seconds sets the ceiling back to
            `initial` when it ends. While connections end earlier, the ceiling keeps growing, and so
            does the outage.
        give_up_after: the last error is raised after this many seconds without a connection. The
            last attempt may still take its full time. `None` to never give up.
        max_retry_after: a server that refuses may ask the client to stay away for some seconds
            (Retry-After, RFC 9110 section 10.2.3). The client waits for that time, and then for the
            random time. If the server asks for more seconds than this, the error is raised at once.
        should_retry: called with the error of an attempt, or with the `ConnectionDisconnected`
            with which a connection ended. It returns whether to go on; if not, the error is raised.
        on_open: called with each new connection before the loop receives it, to log in or
            subscribe; a function or a coroutine function. It has `open_timeout` seconds to finish.
            If it fails, the connection is closed, and its error is the error of the attempt.
        max_lifetime: seconds after which a connection is replaced. The next one is opened while
            the old one is still in use, `on_open` runs, and only then the old one is closed, with
            code 1000. If the attempt fails, the old one stays, and further attempts follow, unless
            the settings above rule them out. `None` to keep a connection until it ends.

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
            check_seconds(name, getattr(self, name), required=True)
        if self.maximum < self.initial:
            raise ValueError(
                f"maximum must be initial ({self.initial} seconds) or more, not {self.maximum}"
            )
        _check_factor(self.factor)
        for name in ("give_up_after", "max_lifetime"):
            check_seconds(name, getattr(self, name), over_zero=True)
        check_callable("should_retry", self.should_retry)
        if self.on_open is not None:
            check_callable("on_open", self.on_open)


def _check_factor(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"factor must be a number, not {type(value).__name__}")
    if not 1 <= value < math.inf:
        raise ValueError(f"factor must be a finite number from 1, not {value}")
