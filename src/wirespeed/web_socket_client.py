"""The import path of aiosonic's WebSocket client; everything here is from `compat.aiosonic`."""

from __future__ import annotations

from .compat.aiosonic import (
    ConnectionDisconnected,
    Message,
    MessageType,
    ProtocolHandler,
    ReadTimeout,
    WebSocketClient,
    WebSocketConnection,
)

__all__ = [
    "ConnectionDisconnected",
    "Message",
    "MessageType",
    "ProtocolHandler",
    "ReadTimeout",
    "WebSocketClient",
    "WebSocketConnection",
]
