"""The exceptions and small types that the face uses: those of the installed package, or our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _real

if TYPE_CHECKING:
    from ._own.datastructures import Headers
    from ._own.exceptions import (
        ConcurrencyError,
        ConnectionClosed,
        ConnectionClosedError,
        ConnectionClosedOK,
        InvalidHandshake,
        InvalidHeader,
        InvalidHeaderValue,
        InvalidMessage,
        InvalidProxy,
        InvalidProxyMessage,
        InvalidProxyStatus,
        InvalidStatus,
        InvalidUpgrade,
        InvalidURI,
        NegotiationError,
        PayloadTooBig,
        ProtocolError,
        ProxyError,
        SecurityError,
    )
    from ._own.frames import OK_CLOSE_CODES, Close, CloseCode
    from ._own.http11 import Request, Response
    from ._own.legacy_exceptions import InvalidStatusCode
    from ._own.protocol import Side, State
    from ._own.uri import WebSocketURI, parse_uri
else:
    _PARTS = {
        "datastructures": ("Headers",),
        "exceptions": (
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
            "InvalidStatus",
            "InvalidURI",
            "InvalidUpgrade",
            "NegotiationError",
            "PayloadTooBig",
            "ProtocolError",
            "ProxyError",
            "SecurityError",
        ),
        "frames": ("OK_CLOSE_CODES", "Close", "CloseCode"),
        "http11": ("Request", "Response"),
        "protocol": ("Side", "State"),
        "uri": ("WebSocketURI", "parse_uri"),
    }
    for _part, _names in _PARTS.items():
        for _name in _names:
            globals()[_name] = _real.look_up(_part, _name)
    # In release 13 it was still among the others.
    InvalidStatusCode = _real.look_up("legacy.exceptions", "InvalidStatusCode")

__all__ = [
    "OK_CLOSE_CODES",
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Headers",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidStatus",
    "InvalidStatusCode",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "Request",
    "Response",
    "SecurityError",
    "Side",
    "State",
    "WebSocketURI",
    "parse_uri",
]
