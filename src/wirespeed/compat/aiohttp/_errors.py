"""The errors that `aiohttp` raises, and how ours become theirs.

Must not know how a connection is opened. No text quotes a query, a header value or a payload.
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
    """What was asked.

    Attributes:
        url: where to, without user name, password, query and fragment.
        method: always GET (RFC 6455 section 4.1).
        headers: those that the program gave.
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
    """The server answered, but not as it should have.

    Attributes:
        request_info: what was asked.
        history: the redirects that were followed.
        status: the HTTP status; 0 without one.
        message: what is wrong.
        headers: those of the response, case-insensitive; `None` without a response.
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
    """The server refused the opening handshake, or answered it wrongly."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy refused."""


class ClientConnectionError(ClientError):
    """The connection could not be made, or is no more."""


class ClientConnectionResetError(
    ClientConnectionError, own.ConnectionDisconnected, ConnectionResetError
):
    """The connection is closing or closed, so nothing can be sent."""


class ClientOSError(ClientConnectionError, OSError):
    """The operating system has something to say."""


class ClientConnectorError(ClientOSError):
    """The host could not be found or reached.

    Attributes:
        os_error: what the operating system says.
        host: which host.
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
        """What TLS says."""
        return self.os_error


class ServerConnectionError(ClientConnectionError):
    """The server ended the connection."""


class ServerDisconnectedError(ServerConnectionError):
    """The server hung up, or did not answer in HTTP."""

    def __init__(self, message: str = "server disconnected") -> None:
        super().__init__(message)
        self.message = message


class ServerTimeoutError(ServerConnectionError, asyncio.TimeoutError):
    """The server was silent for too long."""


class ConnectionTimeoutError(ServerTimeoutError):
    """The connection was not open in time."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The server's certificate does not have the fingerprint that was asked for."""


class InvalidURL(ClientError, ValueError):
    """The URL cannot be used."""


class InvalidUrlClientError(InvalidURL):
    """The URL cannot be used."""


class NonHttpUrlClientError(ClientError):
    """The URL has a scheme that is not for WebSockets."""


class WSMessageTypeError(TypeError):
    """The message is of another type than was asked for; it was taken."""


class WebSocketError(Exception):
    """The server broke the protocol (RFC 6455 section 7.1.7).

    Attributes:
        code: the close code that it was told.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


def bare_url(url: str) -> str:
    """Return a URL without what may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _handshake_message(error: own.HandshakeError) -> str:
    """Say what is wrong with a response in the words that programs may look for."""
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
    """Make their error out of what `wirespeed.connect` raised.

    Args:
        error: a `WebSocketError` or an `OSError`.
        url: where the program wanted to go.
        headers: what it wanted to say there.
    """
    if isinstance(error, own.HandshakeError):
        return _opening_error(error, url, headers)
    if isinstance(error, own.InvalidURL):
        kind = NonHttpUrlClientError if "scheme" in str(error) else InvalidUrlClientError
        return kind(str(error))
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
