"""A response of the server, as the user sees it (RFC 9110 section 15).

Does not read or check responses.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Larger numbers count as this one (RFC 9111 section 1.2.2).
MAX_RETRY_AFTER_SECONDS: Final = float(1 << 31)

_MAX_DATE_CHARACTERS: Final = 64


def frozen_headers(items: Iterable[tuple[str, str]] = ()) -> CIMultiDictProxy[str]:
    """Return read-only headers."""
    return CIMultiDictProxy(CIMultiDict(items))


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """The head of the server's response.

    Can be pickled and copied.

    Attributes:
        status: the HTTP status.
        reason: the reason phrase, decoded as latin-1; may be empty.
        headers: the headers, decoded as latin-1; names are case-insensitive.
        url: the URL of the request, with the scheme ws or wss and without user name and password.
        history: the redirects that led to this response, oldest first (RFC 9110 section 15.4).
            It is empty in the redirects themselves.
    """

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    url: str = ""
    history: tuple[Response, ...] = ()

    def __repr__(self) -> str:
        # Headers and URL are left out: they may contain cookies and tokens.
        return f"<Response {self.status} {self.reason!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # A `CIMultiDictProxy` cannot be pickled.
        items = list(self.headers.items())
        return _make_response, (self.status, self.reason, items, self.url, self.history)


def _make_response(
    status: int,
    reason: str,
    items: list[tuple[str, str]],
    url: str,
    history: tuple[Response, ...],
) -> Response:
    return Response(status, reason, frozen_headers(items), url, history)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait, from Retry-After (RFC 9110 section 10.2.3).

    Returns:
        0 to 2^31 seconds from now, or `None` if the header is missing or cannot be parsed.
    """
    value = headers.get("Retry-After", "").strip(" \t")
    if not value.isascii() or not value:
        return None
    if value.isdigit():
        # A number with more digits than the maximum is not converted: it counts as the maximum.
        digits = value.lstrip("0") or "0"
        few = len(digits) <= len(str(1 << 31))
        return min(float(digits), MAX_RETRY_AFTER_SECONDS) if few else MAX_RETRY_AFTER_SECONDS
    return _seconds_until(value)


def _seconds_until(http_date: str) -> float | None:
    if len(http_date) > _MAX_DATE_CHARACTERS:
        return None
    # Imported here: the import takes milliseconds, and few programs need it.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        date = parsedate_to_datetime(http_date)
        seconds = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
