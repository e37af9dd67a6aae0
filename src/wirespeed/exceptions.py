"""The exceptions of wirespeed, and the texts of protocol errors.

Both codecs, compiled and pure, take the texts from here, so that they report the same.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from ._base.close_info import CloseInfo
from ._base.response import Response, frozen_headers, retry_after_seconds
from ._base.rfc6455 import MAX_CONTROL_PAYLOAD_BYTES, CloseCode

__all__ = [
    "CertificateError",
    "CertificateMismatch",
    "ConnectionDisconnected",
    "HandshakeError",
    "IdleTimeout",
    "InvalidCompression",
    "InvalidTLSContext",
    "InvalidURL",
    "InvalidUtf8",
    "MessageTooBig",
    "MessageTypeError",
    "OpenTimeout",
    "ProtocolError",
    "ProxyError",
    "QueueOverflow",
    "ReadTimeout",
    "TLSError",
    "WebSocketError",
]


class WebSocketError(Exception):
    """Base class of the exceptions of this package."""


class InvalidURL(WebSocketError, ValueError):
    """The URL cannot be used to open a WebSocket (RFC 6455 section 3)."""


class HandshakeError(WebSocketError, ConnectionError):
    """The opening handshake failed (RFC 6455 section 4.1).

    Attributes:
        status: the HTTP status of the server's response, or `None` if no valid response arrived.
        reason: the reason phrase of the status line; may be empty.
        headers: the response headers, case-insensitive; empty without a response.
        body: the response body, cut off at 64 KiB.
        retry_after: the seconds that the server asks to wait before the next attempt, counted
            from when this error was made (RFC 9110 section 10.2.3): 0 to 2^31; `None` if the
            server does not ask for a wait.
        history: the redirects that led to this response, oldest first; empty without redirects.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        history: tuple[Response, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.headers: Mapping[str, str] = frozen_headers() if headers is None else headers
        self.body = body
        self.retry_after = retry_after_seconds(self.headers)
        self.history = history

    def __reduce__(self) -> tuple[Any, ...]:
        # A `CIMultiDictProxy` cannot be pickled, a list can.
        return type(self), self.args, {**self.__dict__, "headers": list(self.headers.items())}

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        if state is not None:
            self.__dict__.update(state, headers=frozen_headers(state["headers"]))


class TLSError(HandshakeError, ssl.SSLError):
    """TLS with the server could not be started.

    The text says why in words, and what to try. The error of the TLS library or of the socket, if
    there was one, is the `__cause__`.

    Attributes:
        host: the host that TLS was started with.
        port: its port.
        problem: the reason in words.
        advice: what to try.
        reason: OpenSSL's name of the fault, such as "WRONG_VERSION_NUMBER"; empty without one.
        library: OpenSSL's name of its part that found the fault; empty without one.
    """

    def __init__(
        self, message: str, *, host: str = "", port: int = 0, problem: str = "", advice: str = ""
    ) -> None:
        super().__init__(message)
        # It is what `ssl.SSLError` shows as its text.
        self.strerror = message
        self.host = host
        self.port = port
        self.problem = problem
        self.advice = advice
        self.library = ""

    def __reduce__(self) -> tuple[Any, ...]:
        kind, args, state = super().__reduce__()
        return kind, args, {**state, "errno": self.errno}

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        if state is not None:
            self.errno = state.pop("errno")
        super().__setstate__(state)


class CertificateError(TLSError, ssl.SSLCertVerificationError):
    """The server's certificate could not be verified.

    Attributes:
        verify_code: OpenSSL's number of the fault; 0 if the fault has none.
        verify_message: OpenSSL's text of the fault.
    """

    verify_code: int = 0
    verify_message: str = ""


class InvalidTLSContext(TLSError, ValueError):
    """The TLS context cannot be used by a client; nothing was sent."""


class CertificateMismatch(HandshakeError):
    """The server's certificate is not the pinned one; no request was sent to the server.

    Attributes:
        expected: the pinned SHA-256 fingerprint, as pairs of hexadecimal digits.
        received: the fingerprint of the server's certificate, in the same form.
    """

    def __init__(self, message: str, *, expected: str = "", received: str = "") -> None:
        super().__init__(message)
        self.expected = expected
        self.received = received


class OpenTimeout(HandshakeError, TimeoutError):
    """The connection was not open within `open_timeout`.

    Attributes:
        phase: the phase in which the time ran out: "dns", "tcp", "proxy", "tls" or "upgrade";
            `None` before the first phase.
    """

    def __init__(self, message: str, *, phase: str | None = None) -> None:
        super().__init__(message)
        self.phase = phase


class ProxyError(HandshakeError):
    """The proxy could not be reached, or it refused to connect to the server.

    `status`, `reason`, `headers` and `body` are those of an HTTP proxy's response to CONNECT (RFC
    9110 section 9.3.6). The reply code of a SOCKS proxy is in the error text. Faults of the server
    behind the proxy raise the same errors as without a proxy.
    """


class ConnectionDisconnected(WebSocketError, ConnectionError):
    """The connection is closed, so nothing more can be received or sent.

    Attributes:
        code: the close code as `WebSocketConnection.close_code` reports it.
        reason: the close reason as `WebSocketConnection.close_reason` reports it.
        received: close code and close reason of the peer's Close frame, `None` without one.
        sent: close code and close reason of the Close frame that was sent, `None` without one.
        info: the record of how the connection ended, `None` while it is still ending.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = CloseCode.ABNORMAL_CLOSURE,
        reason: str = "",
        received: tuple[int, str] | None = None,
        sent: tuple[int, str] | None = None,
        info: CloseInfo | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.received = received
        self.sent = sent
        self.info = info
        if info is not None:
            self.add_note(str(info))


class IdleTimeout(ConnectionDisconnected):
    """No message arrived within `idle_timeout`, so the open connection was closed."""


class ReadTimeout(WebSocketError, TimeoutError):
    """No message arrived within the `timeout` of a receive; no data was lost."""


class MessageTypeError(WebSocketError, TypeError):
    """The next message is of the other type (text or binary); it stays queued."""


class ProtocolError(WebSocketError):
    """The peer broke the protocol, and the connection was failed for it.

    Attributes:
        close_code: the close code that was sent to the peer (RFC 6455 section 7.4.1).
    """

    close_code: int = CloseCode.PROTOCOL_ERROR


class MessageTooBig(ProtocolError):
    """A message is over `max_message_size`."""

    close_code = CloseCode.MESSAGE_TOO_BIG


class InvalidUtf8(ProtocolError):
    """A text message or a close reason is not UTF-8 (RFC 6455 section 8.1)."""

    close_code = CloseCode.INVALID_DATA


class QueueOverflow(WebSocketError):
    """The receive queue was over its bounds, and the connection was failed for it.

    Attributes:
        close_code: the close code that was sent to the peer: 1008. The peer's messages are
            valid and not too big, but more of them arrived than our policy allows
            (RFC 6455 section 7.4.1).
    """

    close_code: int = CloseCode.POLICY_VIOLATION


class InvalidCompression(ProtocolError):
    """A compressed message cannot be inflated (RFC 7692 section 7.2.2).

    RFC 7692 names no close code. 1007 means that the data does not match the type of its message
    (RFC 6455 section 7.4.1). The frames themselves are valid.
    """

    close_code = CloseCode.INVALID_DATA


def reserved_bits_set(bits: int) -> ProtocolError:
    """Return the error for reserved bits that no agreed extension uses."""
    names = [name for name, bit in (("rsv1", 0x40), ("rsv2", 0x20), ("rsv3", 0x10)) if bits & bit]
    return ProtocolError(
        f"reserved bits are set: {', '.join(names)}, no extension uses them (RFC 6455 section 5.2)"
    )


def unknown_opcode(opcode: int) -> ProtocolError:
    """Return the error for a reserved opcode."""
    return ProtocolError(f"opcode 0x{opcode:x} is reserved (RFC 6455 section 5.2)")


def masked_frame() -> ProtocolError:
    """Return the error for a masked frame: a server must not mask."""
    return ProtocolError("frame from the server is masked (RFC 6455 section 5.1)")


def unmasked_frame() -> ProtocolError:
    """Return the error for an unmasked frame: a client must mask."""
    return ProtocolError("frame from the client is not masked (RFC 6455 section 5.1)")


def fragmented_control_frame() -> ProtocolError:
    """Return the error for a control frame without FIN: control frames are not fragmented."""
    return ProtocolError("control frame is fragmented (RFC 6455 section 5.5)")


def unexpected_continuation() -> ProtocolError:
    """Return the error for a continuation frame without a message to continue."""
    return ProtocolError("continuation frame without a message to continue (RFC 6455 section 5.4)")


def expected_continuation(opcode: int) -> ProtocolError:
    """Return the error for a message that begins before the last one has ended."""
    return ProtocolError(
        f"frame with opcode 0x{opcode:x} inside a fragmented message,"
        " a continuation was expected (RFC 6455 section 5.4)"
    )


def length_not_minimal(length: int, length_bytes: int) -> ProtocolError:
    """Return the error for a payload length that is not in its shortest form."""
    return ProtocolError(
        f"payload length {length} is coded in {length_bytes} bytes,"
        " the shortest form is required (RFC 6455 section 5.2)"
    )


def length_too_large(length: int) -> ProtocolError:
    """Return the error for a 64-bit length whose most significant bit is not 0."""
    return ProtocolError(
        f"payload length {length} has its most significant bit set (RFC 6455 section 5.2)"
    )


def control_payload_too_long(length: int) -> ProtocolError:
    """Return the error for a control frame with more than 125 bytes of payload."""
    return ProtocolError(
        f"control frame payload is {length} bytes,"
        f" limit is {MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 section 5.5)"
    )


def message_too_big(size: int, limit: int) -> MessageTooBig:
    """Return the error for a message over the limit."""
    return MessageTooBig(f"message is at least {size} bytes, limit is {limit} (max_message_size)")


def frame_too_big(size: int, limit: int) -> MessageTooBig:
    """Return the error for a frame of a message over the limit for frames."""
    return MessageTooBig(f"frame payload is {size} bytes, limit is {limit} (RFC 6455 section 10.4)")


def compressed_message_too_big(size: int, wire_limit: int, limit: int) -> MessageTooBig:
    """Return the error for a compressed message with more bytes than any allowed one needs."""
    return MessageTooBig(
        f"compressed message is at least {size} bytes before inflating, limit is {wire_limit}"
        f" where {limit} inflated ones are allowed (max_message_size)"
    )


def compressed_continuation() -> ProtocolError:
    """Return the error for RSV1 on a continuation: only a message's first frame may have it."""
    return ProtocolError(
        "rsv1 is set on a continuation frame, the first frame alone may have it"
        " (RFC 7692 section 6.1)"
    )


def compressed_control_frame() -> ProtocolError:
    """Return the error for RSV1 on a control frame: control frames are never compressed."""
    return ProtocolError("rsv1 is set on a control frame (RFC 7692 section 6.1)")


def corrupt_compression() -> InvalidCompression:
    """Return the error for data that is not DEFLATE, or that refers to data that never came."""
    return InvalidCompression("compressed message is corrupt (RFC 7692 section 7.2.2)")


def incomplete_compression() -> InvalidCompression:
    """Return the error for a message whose last block does not end."""
    return InvalidCompression("compressed message is incomplete (RFC 7692 section 7.2.1)")


def too_many_final_blocks(size: int, spare: int) -> InvalidCompression:
    """Return the error for final blocks beyond what any compressor needs."""
    return InvalidCompression(
        f"compressed messages have too many final blocks, limit is one a frame and one every {size}"
        f" bytes, and {spare} more on a connection (RFC 7692 section 7.2.3.4)"
    )


def invalid_text() -> InvalidUtf8:
    """Return the error for text that is not UTF-8, or that ends inside a character."""
    return InvalidUtf8("text message is not valid UTF-8 (RFC 6455 section 8.1)")


def invalid_close_reason() -> InvalidUtf8:
    """Return the error for a close reason that is not UTF-8."""
    return InvalidUtf8("close reason is not valid UTF-8 (RFC 6455 section 5.5.1)")


def truncated_close_code() -> ProtocolError:
    """Return the error for a Close payload of 1 byte: a close code takes 2."""
    return ProtocolError(
        "close frame payload is 1 byte, a close code takes 2 (RFC 6455 section 5.5.1)"
    )


def invalid_close_code(code: int) -> ProtocolError:
    """Return the error for a close code that must never be sent."""
    return ProtocolError(f"close code {code} must not be sent (RFC 6455 section 7.4)")
