"""Translates our errors to those of `aiohttp`.

No error text quotes a query, a header value or a payload.
"""

from __future__ import annotations

import importlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ... import exceptions as own
from ._installed import REAL
from ._names import (
    ClientConnectionError,
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ConnectionTimeoutError,
    InvalidUrlClientError,
    NonHttpUrlClientError,
    RequestInfo,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    WSServerHandshakeError,
)
from ._own_errors import ConnectionKey


class SentRequest(RequestInfo):
    """A `RequestInfo` whose text does not show the headers."""

    def __repr__(self) -> str:
        return f"<RequestInfo {self.method} {self.url}>"


class ConnectionEnded(ClientConnectionResetError, own.ConnectionDisconnected):
    """Nothing can be sent: an error of `aiohttp`, and `wirespeed.ConnectionDisconnected` too."""


ConnectionEnded.__name__ = ConnectionEnded.__qualname__ = "ClientConnectionResetError"


def reset_error(error: own.ConnectionDisconnected) -> Exception:
    """Return the error with the type of `aiohttp` that corresponds to `error`."""
    theirs = ConnectionEnded(*error.args)
    vars(theirs).update(vars(error))
    theirs.__cause__ = error.__cause__
    return theirs


def bare_url(url: str) -> Any:
    """Return a URL without the parts that may hold a secret, as a `yarl.URL` where aiohttp is."""
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return bare if REAL is None else importlib.import_module("yarl").URL(bare)


def _handshake_message(error: own.HandshakeError) -> str:
    """Return what is wrong with a response, in aiohttp's words, which programs may look for."""
    if error.status != 101:
        return "Invalid response status"
    text = str(error)
    for start, message in (
        ("header Upgrade ", "Invalid upgrade header"),
        ("header Connection ", "Invalid connection header"),
        ("header Sec-WebSocket-Accept ", "Invalid challenge response"),
    ):
        if text.startswith(start):
            return message
    return text


def translated(error: Exception, url: str, headers: Mapping[str, str]) -> Exception:
    """Return aiohttp's error for an error that `wirespeed.connect` raised.

    Args:
        error: a `WebSocketError` or an `OSError`.
        url: the URL that was to be opened.
        headers: the headers that were to be sent.
    """
    if isinstance(error, own.HandshakeError) and not isinstance(error, own.TLSError):
        return _opening_error(error, url, headers)
    if isinstance(error, own.InvalidURL):
        text = str(error)
        # The proxy's URL may have a bad scheme, too.
        is_of_scheme = "scheme" in text and not text.startswith("proxy: ")
        return (NonHttpUrlClientError if is_of_scheme else InvalidUrlClientError)(text)
    if isinstance(error, OSError):
        return _os_error(error, _key_of(url))
    return ClientConnectionError(str(error))


def _key_of(url: str) -> ConnectionKey:
    parts = urlsplit(url)
    is_secure = parts.scheme in {"wss", "https"}
    port = parts.port or (443 if is_secure else 80)
    return ConnectionKey(parts.hostname or "", port, is_secure)


def _opening_error(error: own.HandshakeError, url: str, headers: Mapping[str, str]) -> Exception:
    key = _key_of(url)
    if isinstance(error, own.CertificateMismatch):
        expected, got = (
            bytes.fromhex(pairs.replace(":", "")) for pairs in (error.expected, error.received)
        )
        return ServerFingerprintMismatch(expected, got, key.host, key.port or 0)
    if isinstance(error, own.OpenTimeout):
        return ConnectionTimeoutError(str(error))
    by_proxy = isinstance(error, own.ProxyError)
    if error.status is None:
        if by_proxy:
            cause = error.__cause__
            number = getattr(cause, "errno", None)
            return ClientProxyConnectionError(key, OSError(number, str(error)))
        return ServerDisconnectedError(str(error))
    where = bare_url(url)
    refusal = (ClientHttpProxyError if by_proxy else WSServerHandshakeError)(
        SentRequest(where, "CONNECT" if by_proxy else "GET", headers, where),
        error.history,
        status=error.status,
        message=str(error) if by_proxy else _handshake_message(error),
        headers=error.headers,
    )
    vars(refusal)["body"] = error.body
    return refusal


def _os_error(error: OSError, key: ConnectionKey) -> Exception:
    for kind, theirs in (
        (ssl.SSLCertVerificationError, ClientConnectorCertificateError),
        (ssl.SSLError, ClientConnectorSSLError),
        (socket.gaierror, ClientConnectorDNSError),
    ):
        if isinstance(error, kind):
            return theirs(key, error)
    return ClientConnectorError(key, error)
