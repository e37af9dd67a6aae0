"""The names of `aiohttp.client`."""

from __future__ import annotations

from wirespeed.compat.aiohttp._installed import finder
from wirespeed.compat.aiohttp._names import (
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
    WSMessageTypeError,
    WSServerHandshakeError,
)
from wirespeed.compat.aiohttp._response import (
    ClientWebSocketResponse,
)
from wirespeed.compat.aiohttp._session import (
    ClientSession,
)

__all__ = [
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
    "NonHttpUrlClientError",
    "RequestInfo",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "ServerFingerprintMismatch",
    "ServerTimeoutError",
    "SocketTimeoutError",
    "TCPConnector",
    "WSMessageTypeError",
    "WSServerHandshakeError",
]

__getattr__ = finder("client")
