"""The errors of `aiohttp` for a program without `aiohttp`: the same names, bases and arguments."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple


class RequestInfo(NamedTuple):
    """The request that failed.

    Attributes:
        url: the URL without user name, password, query and fragment.
        method: GET (RFC 6455 section 4.1), or CONNECT for a request that a proxy refused.
        headers: the headers that the session and the call asked for.
        real_url: the same as `url`.
    """

    url: Any
    method: str
    headers: Mapping[str, str]
    real_url: Any


class ConnectionKey(NamedTuple):
    """The address that could not be reached.

    Attributes:
        host: the name of the host.
        port: the port; `None` if unknown.
        is_ssl: whether TLS was to be used.
        ssl: the TLS setting.
    """

    host: str
    port: int | None
    is_ssl: bool
    ssl: Any = True


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
    """

    def __init__(
        self,
        request_info: Any,
        history: tuple[Any, ...],
        *,
        status: int | None = None,
        message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(request_info, history)
        self.request_info = request_info
        self.history = history
        self.status = status or 0
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        url = str(self.request_info.real_url)
        return f"{self.status}, message={self.message!r}, url={url!r}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class WSServerHandshakeError(ClientResponseError):
    """The server refused the opening handshake, or its response was wrong."""


class ClientHttpProxyError(ClientResponseError):
    """The proxy refused."""


class ClientConnectionError(ClientError):
    """The connection could not be opened, or it has ended."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """The connection is closing or closed, so nothing can be sent."""


class ClientOSError(ClientConnectionError, OSError):
    """The operating system reported an error."""


class ClientConnectorError(ClientOSError):
    """The host could not be found or reached."""

    def __init__(self, connection_key: Any, os_error: OSError) -> None:
        self._conn_key = connection_key
        self._os_error = os_error
        super().__init__(os_error.errno, os_error.strerror)
        self.args = (connection_key, os_error)

    # `OSError` would make another exception of these arguments.
    __reduce__ = BaseException.__reduce__

    @property
    def os_error(self) -> OSError:
        """The error of the operating system."""
        return self._os_error

    @property
    def host(self) -> str:
        """The name of the host."""
        return str(self._conn_key.host)

    @property
    def port(self) -> int | None:
        """The port; `None` if unknown."""
        port: int | None = self._conn_key.port
        return port

    @property
    def ssl(self) -> Any:
        """The TLS setting."""
        return self._conn_key.ssl

    def __str__(self) -> str:
        return f"Cannot connect to host {self.host}:{self.port} [{self._os_error.strerror}]"


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
        return self._os_error


class ServerConnectionError(ClientConnectionError):
    """The server ended the connection."""


class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection, or did not answer in HTTP."""

    def __init__(self, message: str | None = None) -> None:
        self.message = "Server disconnected" if message is None else message
        super().__init__(self.message)


class ServerTimeoutError(ServerConnectionError, asyncio.TimeoutError):
    """The server sent nothing for too long."""


class ConnectionTimeoutError(ServerTimeoutError):
    """The connection was not open in time."""


class SocketTimeoutError(ServerTimeoutError):
    """The socket was silent for too long."""


class ServerFingerprintMismatch(ServerConnectionError):
    """The server's certificate does not have the given fingerprint.

    Attributes:
        expected: the fingerprint that was given.
        got: the fingerprint of the server's certificate.
        host: the name of the host.
        port: its port.
    """

    def __init__(self, expected: bytes, got: bytes, host: str, port: int) -> None:
        super().__init__(expected, got, host, port)
        self.expected = expected
        self.got = got
        self.host = host
        self.port = port


class InvalidURL(ClientError, ValueError):
    """The URL cannot be used."""

    def __init__(self, url: Any, description: str | None = None) -> None:
        super().__init__(*((url, description) if description else (url,)))
        self._url = url
        self._description = description

    @property
    def url(self) -> Any:
        """The URL."""
        return self._url

    @property
    def description(self) -> str | None:
        """What is wrong with it."""
        return self._description

    def __str__(self) -> str:
        return f"{self._url} - {self._description}" if self._description else str(self._url)


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
