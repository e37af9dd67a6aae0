"""The errors of `aiohttp`, and the translation of our errors to them.

No error text quotes a query, a header value or a payload.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ... import exceptions as own


@dataclass(frozen=True)
class RequestInfo:
    """The request that failed.

    Attributes:
        url: the URL without user name, password, query and fragment.
        method: GET (RFC 6455 section 4.1), or CONNECT for a request that a proxy refused.
        headers: the headers that the session and the call asked for.
        real_url: the same as `url`.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def real_url(self) -> str:
        """The same as `url`."""
        return self.url


class ClientError(Exception):
    """Base of every error of the client."""


class ClientResponseError(ClientError):
    """The server or the proxy answered, but not as it should have.

    Attributes:
        request_info: the request that failed.
        history: the redirects that were followed.
        status: the HTTP status; 0 without one.
        message: what is wrong.
        headers: the headers of the response, case-insensitive; `None` without a response.
        body: the body of a refused handshake, cut off at 64 KiB.
    """

    def __init__(
        self,
        request_info: RequestInfo,
        history: tuple[Any, ...] = (),
        *,
        status: int = 0,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(request_info, history)
        self.request_info = request_info
        self.history = history
        self.status = status
        self.message = message
        self.headers = headers
        self.body = body

    def __str__(self) -> str:
        return f"{self.status}, message={self.message!r}, url={self.request_info.url!r}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class WSServerHandshakeError(ClientResponseError):
    """The server refused the opening handshake, or its response was wrong."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy refused."""


class ClientConnectionError(ClientError):
    """The connection could not be opened, or it has ended."""


class ClientConnectionResetError(
    ClientConnectionError, own.ConnectionDisconnected, ConnectionResetError
):
    """The connection is closing or closed, so nothing can be sent."""


class ClientOSError(ClientConnectionError, OSError):
    """The operating system reported an error."""


class ClientConnectorError(ClientOSError):
    """The host could not be found or reached.

    Attributes:
        os_error: the error of the operating system.
        host: the name of the host.
    """

    def __init__(self, host: str, os_error: OSError) -> None:
        super().__init__(os_error.errno, os_error.strerror or str(os_error))
        self.host = host
        self.os_error = os_error

    def __str__(self) -> str:
        return f"cannot connect to host {self.host}: {self.strerror}"


class ClientConnectorDNSError(ClientConnectorError):
    """The host could not be found."""


class ClientProxyConnectionError(ClientConnectorError):
    """The proxy could not be reached."""


class ClientSSLError(ClientConnectorError):
    """TLS failed."""


class ClientConnectorSSLError(ClientSSLError, ssl.SSLError):
    """The TLS handshake failed."""


class ClientConnectorCertificateError(ClientSSLError, ssl.SSLCertVerificationError):
    """The server's certificate could not be verified."""

    @property
    def certificate_error(self) -> OSError:
        """The error of the TLS layer."""
        return self.os_error


class ServerConnectionError(ClientConnectionError):
    """The server ended the connection."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection, or did not answer in HTTP."""

    def __init__(self, message: str = "server disconnected") -> None:
        super().__init__(message)
        self.message = message


class ServerTimeoutError(ServerConnectionError, asyncio.TimeoutError):
    """The server sent nothing for too long."""


class ConnectionTimeoutError(ServerTimeoutError):
    """The connection was not open in time."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The server's certificate does not have the given fingerprint."""


class InvalidURL(ClientError, ValueError):
    """The URL cannot be used."""


class InvalidUrlClientError(InvalidURL):
    """The URL cannot be used."""


class NonHttpUrlClientError(ClientError):
    """The URL has no scheme, or one that is not for WebSockets."""


class WSMessageTypeError(TypeError):
    """The message has the wrong type for this call; it is no longer queued."""


class WebSocketError(Exception):
    """The server broke the protocol (RFC 6455 section 7.1.7).

    Attributes:
        code: the close code that was sent to the server.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


def bare_url(url: str) -> str:
    """Return a URL without the parts that may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


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
    if isinstance(error, own.HandshakeError):
        return _opening_error(error, url, headers)
    if isinstance(error, own.InvalidURL):
        text = str(error)
        # The proxy's URL may have a bad scheme, too.
        is_of_scheme = "scheme" in text and not text.startswith("proxy: ")
        return (NonHttpUrlClientError if is_of_scheme else InvalidUrlClientError)(text)
    if isinstance(error, OSError):
        return _os_error(error, urlsplit(url).hostname or "")
    return ClientConnectionError(str(error))


def _opening_error(error: own.HandshakeError, url: str, headers: Mapping[str, str]) -> Exception:
    if isinstance(error, own.CertificateMismatch):
        return ServerFingerprintMismatch(str(error))
    if isinstance(error, own.OpenTimeout):
        return ConnectionTimeoutError(str(error))
    by_proxy = isinstance(error, own.ProxyError)
    if error.status is None:
        if by_proxy:
            return ClientProxyConnectionError(urlsplit(url).hostname or "", OSError(str(error)))
        return ServerDisconnectedError(str(error))
    return (ClientHttpProxyError if by_proxy else WSServerHandshakeError)(
        RequestInfo(bare_url(url), "CONNECT" if by_proxy else "GET", headers),
        error.history,
        status=error.status,
        message=str(error) if by_proxy else _handshake_message(error),
        headers=error.headers,
        body=error.body,
    )


def _os_error(error: OSError, host: str) -> Exception:
    for kind, theirs in (
        (ssl.SSLCertVerificationError, ClientConnectorCertificateError),
        (ssl.SSLError, ClientConnectorSSLError),
        (socket.gaierror, ClientConnectorDNSError),
    ):
        if isinstance(error, kind):
            return theirs(host, error)
    return ClientConnectorError(host, error)
