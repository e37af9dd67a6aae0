"""The server's side of the opening handshake: reads the request, and builds the responses.

Does no I/O.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

import h11
from multidict import CIMultiDictProxy

from .._base.response import frozen_headers
from .._base.rfc6455 import HANDSHAKE_GUID

HeadersLike: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

_KEY_BYTES: Final = 16
_VERSION: Final = "13"


@dataclass(frozen=True, slots=True)
class Request:
    """The request of an opening handshake (RFC 6455 section 4.1).

    Attributes:
        path: the path with the query, as the client sent it.
        headers: the headers, decoded as latin-1; names are case-insensitive.
    """

    path: str
    headers: CIMultiDictProxy[str]

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, in its order of preference."""
        return self._items("Sec-WebSocket-Protocol")

    def _items(self, name: str) -> list[str]:
        values = ",".join(self.headers.getall(name, ())).split(",")
        return [item for value in values if (item := value.strip(" \t"))]

    def fault(self) -> tuple[int, str] | None:
        """Return the status and the text to refuse this request with; `None` if it is valid."""
        if "websocket" not in map(str.lower, self._items("Upgrade")):
            return 426, "header Upgrade must contain 'websocket' (RFC 6455 section 4.2.1)"
        if "upgrade" not in map(str.lower, self._items("Connection")):
            return 400, "header Connection must contain 'Upgrade' (RFC 6455 section 4.2.1)"
        if self.headers.getall("Sec-WebSocket-Version", []) != [_VERSION]:
            return 426, "header Sec-WebSocket-Version must be 13 (RFC 6455 section 4.2.1)"
        if len(self.headers.getall("Sec-WebSocket-Key", ())) != 1 or not _is_key(self._key):
            return 400, "header Sec-WebSocket-Key must be 16 bytes in base64 (RFC 6455 section 4.1)"
        return None

    @property
    def _key(self) -> str:
        return self.headers["Sec-WebSocket-Key"].strip(" \t")

    def accept(self) -> str:
        """Return the value of Sec-WebSocket-Accept (RFC 6455 section 4.2.2)."""
        digest = hashlib.sha1(self._key.encode() + HANDSHAKE_GUID, usedforsecurity=False).digest()
        return binascii.b2a_base64(digest, newline=False).decode()


class Opening:
    """Reads one request and builds the response to it."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER)

    def receive_data(self, data: bytes) -> Request | None:
        """Take bytes from the socket; return the request once its head is complete.

        Raises:
            h11.RemoteProtocolError: this is not HTTP/1.1, or the stream ended.
        """
        self._http.receive_data(data)
        event = self._http.next_event()
        if isinstance(event, h11.Request):
            fields = ((name.decode(), value.decode("latin-1")) for name, value in event.headers)
            if event.method != b"GET" or event.http_version != b"1.1":
                raise h11.RemoteProtocolError("the request is no GET of HTTP/1.1")
            return Request(event.target.decode(), frozen_headers(fields))
        if event is not h11.NEED_DATA:
            raise h11.RemoteProtocolError("the client ended the connection without a request")
        return None

    def trailing_data(self) -> bytes:
        """Return the bytes after the request."""
        return self._http.trailing_data[0]

    def switch(self, request: Request, subprotocol: str | None, headers: HeadersLike) -> bytes:
        """Build the 101 response.

        Raises:
            ValueError: a header cannot be sent.
        """
        fields = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", request.accept()),
        ]
        if subprotocol is not None:
            fields.append(("Sec-WebSocket-Protocol", subprotocol))
        fields += pairs(headers)
        return self._head(h11.InformationalResponse, 101, fields)

    def refusal(self, status: int, headers: HeadersLike, body: bytes) -> bytes:
        """Build a response with another status, after which the connection is closed.

        Raises:
            ValueError: the status is not 200 to 599, or a header cannot be sent.
        """
        check_refusal(status)
        fields = [*pairs(headers), ("Content-Length", str(len(body))), ("Connection", "close")]
        return self._head(h11.Response, status, fields) + body

    def _head(
        self,
        kind: type[h11.Response | h11.InformationalResponse],
        status: int,
        fields: list[tuple[str, str]],
    ) -> bytes:
        reason = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
        try:
            event = kind(status_code=status, reason=reason, headers=fields)
            return self._http.send(event) or b""
        except h11.LocalProtocolError as exc:
            raise ValueError(f"the response cannot be sent: {exc}") from exc


def check_refusal(status: int) -> None:
    """Accept the status of a refusal.

    Raises:
        ValueError: it is not 200 to 599.
    """
    if not 200 <= status <= 599:
        raise ValueError(f"the status of a refusal must be 200 to 599, not {status}")


def pairs(headers: HeadersLike) -> list[tuple[str, str]]:
    """Return headers as a list of pairs."""
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def _is_key(key: str) -> bool:
    try:
        return len(binascii.a2b_base64(key.encode(), strict_mode=True)) == _KEY_BYTES
    except ValueError:
        return False
