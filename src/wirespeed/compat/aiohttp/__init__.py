"""The client WebSockets of `aiohttp`, as a drop-in: change the import, keep the program.

Use `from wirespeed.compat import aiohttp` in place of `import aiohttp`. docs/compat-aiohttp.md
lists the differences.
"""

from __future__ import annotations

from typing import NoReturn

from ._arguments import BasicAuth, ClientTimeout, ClientWSTimeout, Fingerprint, TCPConnector
from ._errors import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientOSError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSSLError,
    ConnectionTimeoutError,
    InvalidURL,
    InvalidUrlClientError,
    NonHttpUrlClientError,
    RequestInfo,
    ServerConnectionError,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    ServerTimeoutError,
    WebSocketError,
    WSMessageTypeError,
    WSServerHandshakeError,
)
from ._messages import WSCloseCode, WSMessage, WSMsgType
from ._response import ClientWebSocketResponse
from ._session import ClientSession, ws_connect

MsgType = WSMsgType

__all__ = [
    "BasicAuth",
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientError",
    "ClientHttpProxyError",
    "ClientOSError",
    "ClientProxyConnectionError",
    "ClientResponseError",
    "ClientSSLError",
    "ClientSession",
    "ClientTimeout",
    "ClientWSTimeout",
    "ClientWebSocketResponse",
    "ConnectionTimeoutError",
    "Fingerprint",
    "InvalidURL",
    "InvalidUrlClientError",
    "MsgType",
    "NonHttpUrlClientError",
    "RequestInfo",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "ServerFingerprintMismatch",
    "ServerTimeoutError",
    "TCPConnector",
    "WSCloseCode",
    "WSMessage",
    "WSMessageTypeError",
    "WSMsgType",
    "WSServerHandshakeError",
    "WebSocketError",
    "ws_connect",
]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(f"wirespeed.compat.aiohttp has WebSocket clients only, it has no {name!r}")
