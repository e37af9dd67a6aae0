"""The client's opening handshake: a request out, a response in (RFC 6455 section 4.1).

Does no I/O. No error text quotes a header value that could be a secret. h11's own texts quote
whole header lines, so they are never passed on.
"""

from __future__ import annotations

import hashlib
import os
from binascii import b2a_base64
from typing import Final

import h11
from multidict import CIMultiDictProxy

from .._base.compression import Deflate
from .._base.response import Response
from .._base.rfc6455 import HANDSHAKE_GUID
from ..exceptions import HandshakeError
from .permessage_deflate import IllegalAnswer, agreed, as_deflate, offer
from .request import NOTHING_SPECIAL, Ask, check_subprotocols, request_head
from .response_checks import QUOTED_CHARACTERS, list_items, subprotocol_fault, switch_fault
from .response_head import (
    MAX_HEAD_BYTES,
    StatusLine,
    decode_headers,
    head_too_long,
    malformed_head,
    plain_switch,
    read_status_line,
    strip_codings,
    version_fault,
)
from .subprotocol import with_protocol
from .url import URL

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_HEAD_BYTES",
    "MAX_INTERIM_RESPONSES",
    "REDIRECTS",
    "OpeningHandshake",
    "Response",
]

MAX_BODY_BYTES: Final = 64 * 1024
MAX_INTERIM_RESPONSES: Final = 16
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_KEY_BYTES: Final = 16
_SWITCHING_PROTOCOLS: Final = 101

# To read the response, h11 must know that the request asked for an upgrade. The real request has
# been checked already; to have h11 check it again for each connection costs 30 us, a fourth of the
# whole handshake.
_AN_UPGRADE: Final = h11.Request(
    method="GET",
    target="/",
    headers=[("Host", "any"), ("Upgrade", "websocket"), ("Connection", "Upgrade")],
)
_END_OF_REQUEST: Final = h11.EndOfMessage()


class OpeningHandshake:
    """One opening handshake, from the request to the verdict on the response.

    Call `receive_data` until it returns `True`, then call `result`. `receive_data` and
    `receive_eof` do not raise for faults of the server; `result` does.

    Attributes:
        subprotocol: the offered subprotocol that the server chose; `None` if it chose none.
        compression: the compression that the server agreed to; `None` for no compression.
        trailing_data: the bytes after the head of a 101 response: the first frames.
    """

    def __init__(
        self,
        url: URL,
        ask: Ask = NOTHING_SPECIAL,
        *,
        follows_redirects: bool = False,
        key: bytes | None = None,
    ) -> None:
        """Prepare the request.

        Args:
            url: the URL to open; its user name and password become an Authorization header.
            ask: the contents of the request.
            follows_redirects: whether the handshake ends with the head of a redirect that has a
                Location: nothing reads its body then.
            key: the 16 bytes of Sec-WebSocket-Key, for tests that need known ones; `None` for
                random bytes.

        Raises:
            TypeError: an argument, or a part of one, has the wrong type.
            ValueError: a header or a subprotocol cannot be sent, or `key` is not 16 bytes.
        """
        nonce = os.urandom(_KEY_BYTES) if key is None else key
        if len(nonce) != _KEY_BYTES:
            raise ValueError(
                f"key is {len(nonce)} bytes, {_KEY_BYTES} are required (RFC 6455 section 4.1)"
            )
        encoded_key = _base64(nonce)
        digest = hashlib.sha1(encoded_key.encode() + HANDSHAKE_GUID, usedforsecurity=False)
        self._accept = _base64(digest.digest())
        self._offered = check_subprotocols(ask.subprotocols)
        if ask.protocol_handler is not None:
            self._offered = check_subprotocols(with_protocol(self._offered, ask.protocol_handler))
        self._takes_any_subprotocol = ask.takes_any_subprotocol
        self._offered_compression = as_deflate(ask.compression)
        extensions = "" if self._offered_compression is None else offer(self._offered_compression)
        self._request = request_head(url, ask, self._offered, encoded_key, extensions)
        self._url = url
        self._follows_redirects = follows_redirects
        # Created only for a response that `plain_switch` does not read.
        self._connection: h11.Connection | None = None

        self.subprotocol: str | None = None
        self.compression: Deflate | None = None
        self.trailing_data = b""
        # The head that is being read; h11 does not give it back.
        self._head = bytearray()
        # The Transfer-Encoding of the response, if h11 was not shown it.
        self._coding = ""
        self._head_bytes = 0
        self._interim_responses = 0
        self._status_line: StatusLine | None = None
        self._headers: CIMultiDictProxy[str] | None = None
        self._body = bytearray()
        self._fault: str | None = None
        self._done = False

    def request(self) -> bytes:
        """Return the request to send; each call returns the same bytes."""
        return self._request

    def receive_data(self, data: bytes) -> bool:
        """Take bytes from the socket.

        Returns:
            `True` once the handshake is over and `result` is final. Later bytes are added to
            `trailing_data` after a success, and ignored after a failure.
        """
        if self._done:
            self.trailing_data += b"" if self._fault else data
        elif data:  # h11 takes empty data as the end of the stream.
            switch = plain_switch(data) if self._connection is None else None
            if switch is None:
                self._receive(data)
            else:
                self._status_line = StatusLine((1, 1), _SWITCHING_PROTOCOLS, switch.reason)
                self._headers = switch.headers
                self._switch_protocols(switch.headers, data[switch.size :])
        return self._done

    def receive_eof(self) -> None:
        """End the handshake, because the server closed the stream."""
        if self._done:
            return
        if self._headers is not None and self._connection is not None:
            self._connection.receive_data(b"")
            self._advance(self._connection)
        elif self._head_bytes:
            # Half a response has no status: the network failed, not the server.
            self._status_line = None
            self._fail(
                "server closed the connection inside the head of its response,"
                f" after {self._head_bytes} bytes (RFC 6455 section 4.1)"
            )
        else:
            self._fail("server closed the connection without a response (RFC 6455 section 4.1)")

    @property
    def offers_compression(self) -> bool:
        """Whether the request offers compression."""
        return self._offered_compression is not None

    @property
    def is_answered(self) -> bool:
        """Whether the head of a final response has arrived; interim responses do not count."""
        return self._headers is not None

    def result(self) -> Response:
        """Return the response of a server that agreed to the upgrade.

        After a timeout it may be called before the handshake is over: then it raises an error
        with the parts of the response that have arrived.

        Raises:
            HandshakeError: the server refused or broke the protocol, or the handshake is not over.
        """
        line, headers = self._status_line, self._headers
        if self._done and self._fault is None and line is not None and headers is not None:
            return Response(line.status, line.reason, headers, self._url.public)
        raise HandshakeError(
            self._fault or self._partial(),
            status=None if line is None else line.status,
            reason="" if line is None else line.reason,
            headers=headers,
            body=bytes(self._body),
        )

    def _receive(self, data: bytes) -> None:
        """Pass the bytes to h11, and act on the events that it returns."""
        if self._connection is None:
            self._connection = _h11_connection()
        self._connection.receive_data(data)
        if self._headers is None:
            self._head_bytes += len(data)
            self._head += data
        self._advance(self._connection)

    def _advance(self, connection: h11.Connection) -> None:
        while not self._done:
            if self._status_line is None and not self._read_status_line():
                return
            try:
                event = connection.next_event()
            except h11.ProtocolError as error:
                again = self._without_coding(error)
                if again is None:
                    self._fail(self._malformed(error))
                    return
                self._connection = connection = again
                continue
            if isinstance(event, h11.InformationalResponse | h11.Response):
                self._receive_head(event, connection.trailing_data[0])
            elif isinstance(event, h11.Data):
                self._receive_body(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._fail(self._refusal())
            else:
                return

    def _without_coding(self, error: h11.ProtocolError) -> h11.Connection | None:
        """Read the head of a refusal again, without transfer codings that h11 does not know.

        The body is then kept as it was sent, but for its chunks.
        """
        line = self._status_line
        if self._coding or line is None or line.status == _SWITCHING_PROTOCOLS:
            return None
        found = strip_codings(error, bytes(self._head))
        if found is None:
            return None
        self._coding, head = found
        again = _h11_connection()
        again.receive_data(head)
        return again

    def _read_status_line(self) -> bool:
        """Read the status line if it is complete; return `False` if it is not valid HTTP."""
        found = read_status_line(self._head)
        if isinstance(found, str):
            self._fail(found)
            return False
        self._status_line = found
        return True

    def _receive_head(self, event: h11.InformationalResponse | h11.Response, rest: bytes) -> None:
        # h11 checks its limit only on heads that arrive in pieces.
        if self._head_bytes - len(rest) > MAX_HEAD_BYTES:
            self._fail(head_too_long())
        elif isinstance(event, h11.InformationalResponse):
            self._receive_informational(event, rest)
        else:
            self._headers = decode_headers(event, self._coding)
            is_redirect = self._follows_redirects and event.status_code in REDIRECTS
            if is_redirect and "Location" in self._headers:
                self._fail(self._refusal())

    def _receive_informational(self, event: h11.InformationalResponse, rest: bytes) -> None:
        if event.status_code == _SWITCHING_PROTOCOLS:
            self._headers = decode_headers(event)
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
        self._head = bytearray(rest)
        self._head_bytes = len(rest)

    def _switch_protocols(self, headers: CIMultiDictProxy[str], rest: bytes) -> None:
        # An empty one is no choice.
        chosen = list(filter(None, headers.getall("Sec-WebSocket-Protocol", ())))
        if self._takes_any_subprotocol:
            chosen = [item for item in list_items(chosen) if item in self._offered][:1]
        fault = (
            version_fault(self._status_line)
            or switch_fault(headers, accept=self._accept)
            or subprotocol_fault(chosen, self._offered)
            or self._extensions_fault(headers)
        )
        if fault:
            self._fail(fault)
            return
        self.subprotocol = chosen[0] if chosen else None
        self.trailing_data = rest
        self._done = True

    def _extensions_fault(self, headers: CIMultiDictProxy[str]) -> str | None:
        answers = headers.getall("Sec-WebSocket-Extensions", ())
        try:
            self.compression = agreed(self._offered_compression, answers)
        except IllegalAnswer as fault:
            return str(fault)
        return None

    def _receive_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_BODY_BYTES:
            del self._body[MAX_BODY_BYTES:]
            self._fail(self._refusal())

    def _fail(self, fault: str) -> None:
        self._fault = fault
        self._done = True

    def _refusal(self, remark: str = "") -> str:
        line = self._status_line
        what = "" if line is None else f"{line.status:03} {_readable(line.reason)}".rstrip()
        remarks = "; ".join(filter(None, (remark, version_fault(line))))
        return f"server refused the upgrade: {what}" + (f" ({remarks})" if remarks else "")

    def _malformed(self, error: h11.ProtocolError) -> str:
        if self._headers is not None:
            return self._refusal("its body is incomplete or malformed")
        return malformed_head(error, self._status_line)

    def _partial(self) -> str:
        if self._headers is not None:
            return self._refusal("its body did not arrive in time")
        if not self._head_bytes:
            return "no response arrived from the server (RFC 6455 section 4.1)"
        return (
            f"no response arrived from the server: its head is unfinished after {self._head_bytes}"
            " bytes (RFC 6455 section 4.1)"
        )


def _h11_connection() -> h11.Connection:
    """Make an h11 connection that has sent a request for an upgrade."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
    connection.send(_AN_UPGRADE)
    connection.send(_END_OF_REQUEST)
    return connection


def _readable(text: str) -> str:
    """Shorten text from the server, and escape characters that could control a terminal."""
    shown = text[:QUOTED_CHARACTERS]
    return shown if shown.isprintable() else repr(shown)


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")
