"""WebSocket URIs (RFC 6455 section 3), with the checks and the texts of `websockets`."""

from __future__ import annotations

import dataclasses
import string
import urllib.parse
from typing import Final

from .exceptions import InvalidURI

__all__ = ["WebSocketURI", "parse_uri"]

_KEPT: Final = string.punctuation


@dataclasses.dataclass
class WebSocketURI:
    """The parts of a WebSocket URI.

    Attributes:
        secure: whether TLS is used.
        host: the host in lower case.
        port: the port, also if it is the default.
        path: the path; may be empty.
        query: the query; may be empty.
        username: the user name; `None` without one.
        password: the password; `None` without a user name.
    """

    secure: bool
    host: str
    port: int
    path: str
    query: str
    username: str | None = None
    password: str | None = None

    @property
    def resource_name(self) -> str:
        """Path and query for the request."""
        return (self.path or "/") + (f"?{self.query}" if self.query else "")

    @property
    def user_info(self) -> tuple[str, str] | None:
        """User name and password; `None` without them."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password


def parse_uri(uri: str) -> WebSocketURI:
    """Parse a WebSocket URI.

    Raises:
        InvalidURI: it cannot be used.
    """
    parts = urllib.parse.urlparse(uri)
    if parts.scheme not in {"ws", "wss"}:
        raise InvalidURI(uri, "scheme isn't ws or wss")
    if parts.hostname is None:
        raise InvalidURI(uri, "hostname isn't provided")
    if parts.fragment:
        raise InvalidURI(uri, "fragment identifier is meaningless")
    username, password = parts.username, parts.password
    if username is not None:
        if password is None:
            raise InvalidURI(uri, "username provided without password")
        username, password = urllib.parse.unquote(username), urllib.parse.unquote(password)
    host, path, query = parts.hostname, parts.path, parts.query
    if not uri.isascii():
        host = host.encode("idna").decode()
        path = urllib.parse.quote(path, safe=_KEPT)
        query = urllib.parse.quote(query, safe=_KEPT)
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    return WebSocketURI(secure, host, port, path, query, username, password)
