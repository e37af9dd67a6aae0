"""wirespeed: an asyncio WebSocket client for programs that must keep up with a fast feed."""

from __future__ import annotations

from ._base.close_info import CloseCause, CloseInfo
from ._base.compression import Deflate
from ._base.latency import Latency
from ._base.queue_rules import Dropped, Pending
from ._base.response import Response
from ._base.rfc6455 import CloseCode, MessageType
from ._base.stats import Stats
from ._base.timings import Timings
from ._base.version import __version__
from ._codec.backend import implementation
from ._codec.zlib_backend import deflate_backend
from ._handshake.subprotocol import ProtocolHandler
from ._opening.reconnect import Reconnect, should_retry
from ._opening.reconnecting import Reconnecting
from .client import Connecting, connect
from .compat.aiosonic import WebSocketClient
from .connection import Heartbeat, Message, MessageStream, WebSocketConnection
from .exceptions import (
    CertificateError,
    CertificateMismatch,
    ConnectionDisconnected,
    HandshakeError,
    IdleTimeout,
    InvalidCompression,
    InvalidTLSContext,
    InvalidURL,
    InvalidUtf8,
    MessageTooBig,
    MessageTypeError,
    OpenTimeout,
    ProtocolError,
    ProxyError,
    QueueOverflow,
    ReadTimeout,
    TLSError,
    WebSocketError,
)

__all__ = [
    "CertificateError",
    "CertificateMismatch",
    "CloseCause",
    "CloseCode",
    "CloseInfo",
    "Connecting",
    "ConnectionDisconnected",
    "Deflate",
    "Dropped",
    "HandshakeError",
    "Heartbeat",
    "IdleTimeout",
    "InvalidCompression",
    "InvalidTLSContext",
    "InvalidURL",
    "InvalidUtf8",
    "Latency",
    "Message",
    "MessageStream",
    "MessageTooBig",
    "MessageType",
    "MessageTypeError",
    "OpenTimeout",
    "Pending",
    "ProtocolError",
    "ProtocolHandler",
    "ProxyError",
    "QueueOverflow",
    "ReadTimeout",
    "Reconnect",
    "Reconnecting",
    "Response",
    "Stats",
    "TLSError",
    "Timings",
    "WebSocketClient",
    "WebSocketConnection",
    "WebSocketError",
    "__version__",
    "connect",
    "deflate_backend",
    "implementation",
    "should_retry",
]
