"""The client's opening handshake: a request out, a response in (RFC 6455 section 4.1).

Knows nothing of sockets, timeouts or asyncio: bytes go in and out. No error text quotes a header
value that could be a secret; h11's own texts quote whole header lines and are never passed on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import h11
from multidict import CIMultiDict, CIMultiDictProxy

from ._request import (
    NOTHING_SPECIAL,
    Ask,
    check_headers,
    check_subprotocols,
    request_fields,
    request_head,
)
from ._rfc6455 import HANDSHAKE_GUID
from ._url import URL
from .exceptions import HandshakeError

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_HEAD_BYTES",
    "MAX_INTERIM_RESPONSES",
    "OpeningHandshake",
    "Response",
]

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 64 * 1024
MAX_INTERIM_RESPONSES: Final = 16

_KEY_BYTES: Final = 16
_QUOTED_CHARACTERS: Final = 80
_SWITCHING_PROTOCOLS: Final = 101
_HEAD_TOO_LARGE: Final = 431
_STATUS_LINE_START: Final = b"HTTP/"
_TLS_ALERT_START: Final = b"\x15\x03"
_STATUS_LINE: Final = re.compile(rb"HTTP/([0-9])\.([0-9]) ([0-9]{3})(?: ([^\r\n]*))?\r?\n")

# What h11 needs to know of the request to read the response: that an upgrade was asked for. Every
# header of ours has been checked already; to let h11 do so again for each connection would cost
# 30 us, a fourth of the whole handshake.
_AN_UPGRADE: Final = h11.Request(
    method="GET",
    target="/",
    headers=[("Host", "any"), ("Upgrade", "websocket"), ("Connection", "Upgrade")],
)
_END_OF_REQUEST: Final = h11.EndOfMessage()

# How h11's texts begin, and what is said instead.
_HEAD_FAULTS: Final = (
    ("illegal status line", "the status line is malformed"),
    ("illegal header line", "a header line is malformed"),
    ("continuation line", "a continuation line comes before the first header"),
    ("conflicting content-length", "the Content-Length values differ"),
    ("bad content-length", "Content-Length is not a number"),
    ("multiple transfer-encoding", "Transfer-Encoding is there more than once"),
    ("only transfer-encoding", "Transfer-Encoding is not chunked"),
    ("informationalresponse status_code", "the status is not between 100 and 999"),
)


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """The head of the server's response.

    Attributes:
        status: the HTTP status.
        reason: the reason phrase, decoded as latin-1; may be empty.
        headers: the headers, decoded as latin-1; names are case-insensitive.
    """

    status: int
    reason: str
    headers: CIMultiDictProxy[str]

    def __repr__(self) -> str:
        # Without the headers: they may hold cookies.
        return f"<Response {self.status} {self.reason!r}>"


@dataclass(frozen=True, slots=True)
class _StatusLine:
    version: tuple[int, int]
    status: int
    reason: str


class OpeningHandshake:
    """One opening handshake, from the request to the verdict on the response.

    Feed `receive_data` until it returns `True`, then call `result`. Neither `receive_data` nor
    `receive_eof` raises for what the server sent; `result` does.

    Attributes:
        subprotocol: what the server chose among the offered; `None` if it chose none.
        trailing_data: the bytes behind the head of a 101 response: the first frames.
    """

    def __init__(
        self,
        url: URL,
        ask: Ask = NOTHING_SPECIAL,
        *,
        key: bytes | None = None,
    ) -> None:
        """Prepare the request.

        Args:
            url: where to; its user name and password become an Authorization header.
            ask: what the request is to say.
            key: the 16 random bytes of Sec-WebSocket-Key; drawn unless a test needs known ones.

        Raises:
            TypeError: an argument, or something in it, has the wrong type.
            ValueError: a header or a subprotocol cannot be sent.
        """
        nonce = os.urandom(_KEY_BYTES) if key is None else key
        if len(nonce) != _KEY_BYTES:
            raise ValueError(
                f"key is {len(nonce)} bytes, {_KEY_BYTES} are required (RFC 6455 section 4.1)"
            )
        encoded_key = base64.b64encode(nonce)
        self._offered = check_subprotocols(ask.subprotocols)
        self._accept = base64.b64encode(
            hashlib.sha1(encoded_key + HANDSHAKE_GUID, usedforsecurity=False).digest()
        )
        fields = request_fields(url, check_headers(ask.headers), self._offered, encoded_key)
        self._request = request_head(url.target, fields)
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._connection.send(_AN_UPGRADE)
        self._connection.send(_END_OF_REQUEST)

        self.subprotocol: str | None = None
        self.trailing_data = b""
        self._first_line = bytearray()
        self._head_bytes = 0
        self._interim_responses = 0
        self._status_line: _StatusLine | None = None
        self._headers: CIMultiDictProxy[str] | None = None
        self._body = bytearray()
        self._fault: str | None = None
        self._done = False

    def request(self) -> bytes:
        """Return the request to send; the same bytes at each call."""
        return self._request

    def receive_data(self, data: bytes) -> bool:
        """Take bytes from the socket.

        Returns:
            `True` once the handshake is over: `result` has its final verdict. What is fed later
            is added to `trailing_data` after a success, else ignored.
        """
        if self._done:
            self.trailing_data += b"" if self._fault else data
        elif data:  # To h11 no bytes would mean the end of the stream.
            self._connection.receive_data(data)
            if self._headers is None:
                self._head_bytes += len(data)
                if self._status_line is None:
                    self._first_line += data
            self._advance()
        return self._done

    def receive_eof(self) -> None:
        """Take note that the server closed the stream; the handshake is over then."""
        if self._done:
            return
        if self._headers is not None:
            self._connection.receive_data(b"")
            self._advance()
        elif self._head_bytes:
            self._fail(
                "server closed the connection inside the head of its response,"
                f" after {self._head_bytes} bytes (RFC 6455 section 4.1)"
            )
        else:
            self._fail("server closed the connection without a response (RFC 6455 section 4.1)")

    def result(self) -> Response:
        """Return the response of a server that agreed to the upgrade.

        May be called before the handshake is over, when time has run out: the error then holds
        what has arrived so far.

        Raises:
            HandshakeError: the server refused, broke the protocol, or has not finished.
        """
        line, headers = self._status_line, self._headers
        if self._done and self._fault is None and line is not None and headers is not None:
            return Response(line.status, line.reason, headers)
        raise HandshakeError(
            self._fault or self._unfinished(),
            status=None if line is None else line.status,
            reason="" if line is None else line.reason,
            headers=headers,
            body=bytes(self._body),
        )

    def _advance(self) -> None:
        while not self._done:
            if self._status_line is None and not self._read_status_line():
                return
            try:
                event = self._connection.next_event()
            except h11.ProtocolError as error:
                self._fail(self._malformed(error))
                return
            if isinstance(event, h11.InformationalResponse | h11.Response):
                self._receive_head(event)
            elif isinstance(event, h11.Data):
                self._receive_body(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._fail(self._refusal())
            else:
                return

    def _read_status_line(self) -> bool:
        """Look at the first line before h11 does; `False` when the stream is not HTTP.

        h11 waits for the end of the head. A server of another protocol would never send that,
        and the error would be a timeout.
        """
        start = bytes(self._first_line[: len(_STATUS_LINE_START)])
        if not _STATUS_LINE_START.startswith(start):
            self._fail(_not_http(self._first_line))
            return False
        if b"\n" not in self._first_line:
            return True
        match = _STATUS_LINE.match(self._first_line)
        if match is None:
            line = bytes(self._first_line[:_QUOTED_CHARACTERS]).splitlines()[0]
            self._fail(
                f"status line is {line!r}, HTTP/1.1 and a status of 3 digits were expected"
                " (RFC 9112 section 4)"
            )
            return False
        version = int(match[1]), int(match[2])
        self._status_line = _StatusLine(version, int(match[3]), (match[4] or b"").decode("latin-1"))
        return True

    def _receive_head(self, event: h11.InformationalResponse | h11.Response) -> None:
        rest = self._connection.trailing_data[0]
        # h11 checks its limit on heads that come in pieces only.
        if self._head_bytes - len(rest) > MAX_HEAD_BYTES:
            self._fail(_head_too_long())
        elif isinstance(event, h11.InformationalResponse):
            self._receive_informational(event, rest)
        else:
            self._headers = _decode_headers(event)

    def _receive_informational(self, event: h11.InformationalResponse, rest: bytes) -> None:
        if event.status_code == _SWITCHING_PROTOCOLS:
            self._headers = _decode_headers(event)
            self._switch_protocols(self._headers, rest)
            return
        self._interim_responses += 1
        if self._interim_responses > MAX_INTERIM_RESPONSES:
            self._fail(
                f"server sent more than {MAX_INTERIM_RESPONSES} interim responses"
                " (RFC 9110 section 15.2)"
            )
            return
        self._status_line = None
        self._first_line = bytearray(rest)
        self._head_bytes = len(rest)

    def _switch_protocols(self, headers: CIMultiDictProxy[str], rest: bytes) -> None:
        fault = (
            self._version_fault()
            or _upgrade_fault(headers)
            or _connection_fault(headers)
            or _accept_fault(headers, self._accept)
            or _extensions_fault(headers)
            or _subprotocol_fault(headers, self._offered)
        )
        if fault:
            self._fail(fault)
            return
        self.subprotocol = headers.get("Sec-WebSocket-Protocol")
        self.trailing_data = rest
        self._done = True

    def _receive_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_BODY_BYTES:
            del self._body[MAX_BODY_BYTES:]
            self._fail(self._refusal())

    def _fail(self, fault: str) -> None:
        self._fault = fault
        self._done = True

    def _version_fault(self) -> str | None:
        line = self._status_line
        if line is None or (line.version[0] == 1 and line.version[1] >= 1):
            return None
        version = ".".join(map(str, line.version))
        return f"server answered in HTTP/{version}, HTTP/1.1 is required (RFC 6455 section 4.2.2)"

    def _refusal(self, remark: str = "") -> str:
        line = self._status_line
        what = "" if line is None else f"{line.status:03} {_readable(line.reason)}".rstrip()
        remarks = "; ".join(filter(None, (remark, self._version_fault())))
        return f"server refused the upgrade: {what}" + (f" ({remarks})" if remarks else "")

    def _malformed(self, error: h11.ProtocolError) -> str:
        if self._headers is not None:
            return self._refusal("its body is incomplete or malformed")
        if error.error_status_hint == _HEAD_TOO_LARGE:
            return _head_too_long()
        text = str(error).lower()
        fault = next((own for start, own in _HEAD_FAULTS if text.startswith(start)), "")
        fault = fault or "it breaks the rules of HTTP/1.1"
        status = "" if self._status_line is None else f" with status {self._status_line.status:03}"
        return f"server sent a malformed response head{status}: {fault} (RFC 9112 section 2.1)"

    def _unfinished(self) -> str:
        if self._headers is not None:
            return self._refusal("its body did not arrive in time")
        if not self._head_bytes:
            return "no response arrived from the server (RFC 6455 section 4.1)"
        return (
            f"no response arrived from the server: its head is unfinished after {self._head_bytes}"
            " bytes (RFC 6455 section 4.1)"
        )


def _decode_headers(event: h11.InformationalResponse | h11.Response) -> CIMultiDictProxy[str]:
    items = [
        (name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers.raw_items()
    ]
    return CIMultiDictProxy(CIMultiDict(items))


def _readable(text: str) -> str:
    """Shorten text from the server, and keep it from steering a terminal."""
    shown = text[:_QUOTED_CHARACTERS]
    return shown if shown.isprintable() else repr(shown)


def _quoted(values: Iterable[str]) -> str:
    return repr(", ".join(values)[:_QUOTED_CHARACTERS])


def _list_items(headers: CIMultiDictProxy[str], name: str) -> list[str]:
    """Split all headers of that name at the commas (RFC 9110 section 5.6.1)."""
    values = headers.getall(name, ())
    items = [item.strip(" \t") for value in values for item in value.split(",")]
    return [item for item in items if item]


def _upgrade_fault(headers: CIMultiDictProxy[str]) -> str | None:
    items = _list_items(headers, "Upgrade")
    if [item.lower() for item in items] == ["websocket"]:
        return None
    came = f"is {_quoted(items)}" if items else "is missing"
    return f"header Upgrade {came}, 'websocket' was expected (RFC 6455 section 4.1)"


def _connection_fault(headers: CIMultiDictProxy[str]) -> str | None:
    items = _list_items(headers, "Connection")
    if "upgrade" in (item.lower() for item in items):
        return None
    came = f"is {_quoted(items)}" if items else "is missing"
    return f"header Connection {came}, 'Upgrade' was expected (RFC 6455 section 4.1)"


def _accept_fault(headers: CIMultiDictProxy[str], expected: bytes) -> str | None:
    values = headers.getall("Sec-WebSocket-Accept", [])
    if len(values) == 1 and hmac.compare_digest(values[0].encode("latin-1"), expected):
        return None
    came = "is missing"
    if values:
        came = f"is {_quoted(values)}" if len(values) == 1 else f"is there {len(values)} times"
    return (
        f"header Sec-WebSocket-Accept {came}, {expected.decode('ascii')!r} was expected"
        " (RFC 6455 section 4.1)"
    )


def _extensions_fault(headers: CIMultiDictProxy[str]) -> str | None:
    items = _list_items(headers, "Sec-WebSocket-Extensions")
    if not items:
        return None
    name = _quoted([items[0].partition(";")[0].strip(" \t")])
    return f"server chose the extension {name}, none was offered (RFC 6455 section 4.1)"


def _subprotocol_fault(headers: CIMultiDictProxy[str], offered: tuple[str, ...]) -> str | None:
    values = headers.getall("Sec-WebSocket-Protocol", [])
    if not values or (len(values) == 1 and values[0] in offered):
        return None
    if len(values) > 1:
        return (
            f"header Sec-WebSocket-Protocol is there {len(values)} times, once is allowed"
            " (RFC 6455 section 11.3.4)"
        )
    expected = "which was not offered" if offered else "none was offered"
    return f"server chose the subprotocol {_quoted(values)}, {expected} (RFC 6455 section 4.1)"


def _head_too_long() -> str:
    return f"response head is over {MAX_HEAD_BYTES} bytes, which is the limit"


def _not_http(data: bytearray) -> str:
    if data.startswith(_TLS_ALERT_START):
        came = "a TLS alert (does the server want wss?)"
    else:
        # One word: a server that echoes would have the whole request quoted.
        words = bytes(data[:16]).split(maxsplit=1)
        came = repr(words[0] if words else bytes(data[:16]))
    return f"server answered with {came}, an HTTP/1.1 status line was expected (RFC 9112 section 4)"
