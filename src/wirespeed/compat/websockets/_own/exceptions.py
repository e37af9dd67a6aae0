"""The exceptions of `websockets`, with its texts: programs match on them."""

from __future__ import annotations

import warnings
from typing import Any, Protocol

__all__ = [
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "SecurityError",
    "TooManyFragments",
    "WebSocketException",
]


class CloseLike(Protocol):
    """What a Close frame says; see `Close`."""

    code: Any
    reason: str


class ResponseLike(Protocol):
    """A response to an opening handshake; see `Response`."""

    status_code: int
    reason_phrase: str
    headers: Any
    body: Any


class WebSocketException(Exception):
    """Base class of these exceptions."""


class ConnectionClosed(WebSocketException):
    """The connection is closed.

    Attributes:
        rcvd: code and reason of the Close frame that was received; `None` without one.
        sent: the same for the Close frame that was sent.
        rcvd_then_sent: whether it was received first; `None` unless there are both.
    """

    def __init__(
        self, rcvd: CloseLike | None, sent: CloseLike | None, rcvd_then_sent: bool | None = None
    ) -> None:
        super().__init__(rcvd, sent, rcvd_then_sent)
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        sent, received = f"sent {self.sent}", f"received {self.rcvd}"
        if self.rcvd is None:
            return (
                "no close frame received or sent"
                if self.sent is None
                else f"{sent}; no close frame received"
            )
        if self.sent is None:
            return f"{received}; no close frame sent"
        return f"{received}; then {sent}" if self.rcvd_then_sent else f"{sent}; then {received}"

    @property
    def code(self) -> int:
        """The code that was received, 1006 without one; deprecated."""
        _warn_of("code", "code")
        return 1006 if self.rcvd is None else int(self.rcvd.code)

    @property
    def reason(self) -> str:
        """The reason that was received; deprecated."""
        _warn_of("reason", "reason")
        return "" if self.rcvd is None else self.rcvd.reason


def _warn_of(name: str, instead: str) -> None:
    warnings.warn(
        f"ConnectionClosed.{name} is deprecated; use Protocol.close_{instead} or"
        f" ConnectionClosed.rcvd.{instead}",
        DeprecationWarning,
        stacklevel=3,
    )


class ConnectionClosedOK(ConnectionClosed):
    """It was closed with 1000, 1001 or no code, by both sides."""


class ConnectionClosedError(ConnectionClosed):
    """It was closed with another code, or lost."""


class InvalidURI(WebSocketException):
    """The URI cannot be used.

    Attributes:
        uri: the URI.
        msg: what is wrong with it.
    """

    def __init__(self, uri: str, msg: str) -> None:
        super().__init__(uri, msg)
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.uri} isn't a valid URI: {self.msg}"


class InvalidProxy(WebSocketException):
    """The proxy cannot be used.

    Attributes:
        proxy: the URL of the proxy.
        msg: what is wrong with it.
    """

    def __init__(self, proxy: str, msg: str) -> None:
        super().__init__(proxy, msg)
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        return f"{self.proxy} isn't a valid proxy: {self.msg}"


class InvalidHandshake(WebSocketException):
    """The opening handshake failed."""


class SecurityError(InvalidHandshake):
    """The opening handshake broke a rule of security."""


class ProxyError(InvalidHandshake):
    """The proxy could not be used."""


class InvalidProxyMessage(ProxyError):
    """The response of the proxy is malformed."""


class InvalidProxyStatus(ProxyError):
    """The proxy refused.

    Attributes:
        response: its response.
    """

    def __init__(self, response: ResponseLike) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"proxy rejected connection: HTTP {self.response.status_code:d}"


class InvalidMessage(InvalidHandshake):
    """The response is malformed."""


class InvalidStatus(InvalidHandshake):
    """The server refused.

    Attributes:
        response: its response.
    """

    def __init__(self, response: ResponseLike) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.response.status_code:d}"


class InvalidHeader(InvalidHandshake):
    """A header is missing or wrong.

    Attributes:
        name: its name.
        value: its value; `None` if it is missing.
    """

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing {self.name} header"
        return (
            f"invalid {self.name} header: {self.value}"
            if self.value
            else (f"empty {self.name} header")
        )


class InvalidHeaderValue(InvalidHeader):
    """A header has a wrong value."""


class InvalidUpgrade(InvalidHeader):
    """The header Upgrade or Connection is wrong."""


class NegotiationError(InvalidHandshake):
    """The server chose an extension or a subprotocol that was not offered."""


class ProtocolError(WebSocketException):
    """A frame breaks the protocol."""


class PayloadTooBig(WebSocketException):
    """A message is over `max_size`."""

    def __init__(
        self, size_or_message: int | str | None, max_size: int | None = None, *_: Any
    ) -> None:
        super().__init__(size_or_message, max_size)
        self.size = size_or_message
        self.max_size = max_size

    def __str__(self) -> str:
        return f"frame with {self.size} bytes exceeds limit of {self.max_size} bytes"


class TooManyFragments(WebSocketException):
    """A message has too many fragments."""


class InvalidState(WebSocketException, AssertionError):
    """A frame cannot be sent now."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two tasks receive at the same time, or a Ping is sent twice."""
