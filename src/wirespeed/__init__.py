"""wirespeed: an asyncio WebSocket client for programs that must keep up with a fast feed."""

from __future__ import annotations

from ._backend import implementation
from ._phases import Timings
from ._response import Response
from ._rfc6455 import CloseCode, MessageType
from ._version import __version__
from .client import Connecting, connect
from .connection import Message, WebSocketConnection
from .exceptions import (
    CertificateMismatch,
    ConnectionDisconnected,
    HandshakeError,
    InvalidURL,
    InvalidUtf8,
    MessageTooBig,
    MessageTypeError,
    OpenTimeout,
    ProtocolError,
    ProxyError,
    ReadTimeout,
    WebSocketError,
)

__all__ = [
    "CertificateMismatch",
    "CloseCode",
    "Connecting",
    "ConnectionDisconnected",
    "HandshakeError",
    "InvalidURL",
    "InvalidUtf8",
    "Message",
    "MessageTooBig",
    "MessageType",
    "MessageTypeError",
    "OpenTimeout",
    "ProtocolError",
    "ProxyError",
    "ReadTimeout",
    "Response",
    "Timings",
    "WebSocketConnection",
    "WebSocketError",
    "__version__",
    "connect",
    "implementation",
]
