"""The exceptions of the old client."""

from __future__ import annotations

from .datastructures import Headers
from .exceptions import InvalidHandshake

__all__ = ["InvalidStatusCode"]


class InvalidStatusCode(InvalidHandshake):
    """The server refused the opening handshake.

    Attributes:
        status_code: the HTTP status.
        headers: the headers of the response.
    """

    def __init__(self, status_code: int, headers: Headers) -> None:
        self.status_code = status_code
        self.headers = headers

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.status_code}"
