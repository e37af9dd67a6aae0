"""The client WebSockets of `aiohttp`, as a drop-in: change the import, keep the program.

Use `from wirespeed.compat import aiohttp` in place of `import aiohttp`. docs/compat-aiohttp.md
lists the differences.
"""

from __future__ import annotations

import importlib
from typing import Any

from ._arguments import BasicAuth
from ._installed import REAL
from ._messages import WSMessage
from ._names import (
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
    ClientTimeout,
    ClientWSTimeout,
    ConnectionTimeoutError,
    Fingerprint,
    InvalidURL,
    InvalidUrlClientError,
    NonHttpUrlClientError,
    RequestInfo,
    ServerConnectionError,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    ServerTimeoutError,
    SocketTimeoutError,
    TCPConnector,
    WebSocketError,
    WSCloseCode,
    WSMessageTypeError,
    WSMsgType,
    WSServerHandshakeError,
)
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
    "SocketTimeoutError",
    "TCPConnector",
    "WSCloseCode",
    "WSMessage",
    "WSMessageTypeError",
    "WSMsgType",
    "WSServerHandshakeError",
    "WebSocketError",
    "ws_connect",
]


# The modules here with the name of one of aiohttp's.
_OWN_MODULES = frozenset(
    {"client", "client_exceptions", "client_ws", "hdrs", "http", "http_websocket", "typedefs"}
)


def __getattr__(name: str) -> Any:
    if name in _OWN_MODULES:
        return importlib.import_module(f"{__spec__.name}.{name}")
    is_of_python = name.startswith("__") and name != "__version__"
    if REAL is None or is_of_python:
        raise AttributeError(
            f"wirespeed.compat.aiohttp has WebSocket clients only, it has no {name!r}"
        )
    found = getattr(REAL, name, None)
    if found is not None:
        return found
    try:
        return importlib.import_module(f"aiohttp.{name}")
    except ImportError as exc:
        raise AttributeError(f"aiohttp has no {name!r}") from exc
