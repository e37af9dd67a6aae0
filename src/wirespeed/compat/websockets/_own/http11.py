"""The request and the response of an opening handshake, as a program sees them."""

from __future__ import annotations

import dataclasses

from .datastructures import Headers

__all__ = ["Request", "Response"]


@dataclasses.dataclass
class Request:
    """The request of an opening handshake.

    Attributes:
        path: path and query.
        headers: the headers.
    """

    path: str
    headers: Headers


@dataclasses.dataclass
class Response:
    """The response to an opening handshake.

    Attributes:
        status_code: the HTTP status.
        reason_phrase: the reason phrase; may be empty.
        headers: the headers.
        body: the body of a refusal, cut off at 64 KiB.
    """

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes = b""
