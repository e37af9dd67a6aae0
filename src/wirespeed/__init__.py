"""wirespeed: an asyncio WebSocket client for programs that must keep up with a fast feed."""

from __future__ import annotations

from ._backend import implementation
from ._backoff import Reconnect, should_retry
from ._close_info import CloseCause, CloseInfo
from ._deflate import Deflate
from ._latency import Latency
from ._phases import Timings
from ._protocol import ProtocolHandler
from ._queue import Dropped, Pending
from ._reconnect import Reconnecting
from ._response import Response
from ._rfc6455 import CloseCode, MessageType
from ._stats import Stats
from ._version import __version__
from ._zlib import deflate_backend
from .client import Connecting, connect
from .connection import Heartbeat, Message, MessageStream, WebSocketConnection
from .exceptions import (
    CertificateMismatch,
    ConnectionDisconnected,
    HandshakeError,
    IdleTimeout,
    InvalidCompression,
    InvalidURL,
    InvalidUtf8,
    MessageTooBig,
    MessageTypeError,
    OpenTimeout,
    ProtocolError,
    ProxyError,
    QueueOverflow,
    ReadTimeout,
    WebSocketError,
)
from .web_socket_client import WebSocketClient

__all__ = [
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
