"""The types of `aiohttp`'s parameters: timeouts, credentials, connectors, fingerprints.

Does not open connections.
"""

from __future__ import annotations

import asyncio
import base64
import ssl as tls
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

# The default of `limit_per_host` in aiohttp.
_NO_LIMIT: Final = 0
TOTAL_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class ClientWSTimeout:
    """The timeouts of an open WebSocket.

    Attributes:
        ws_receive: seconds for each receive; `None` for no limit.
        ws_close: seconds for the whole closing handshake; `None` for no limit.
    """

    ws_receive: float | None = None
    ws_close: float | None = None


DEFAULT_TIMEOUT: Final = ClientWSTimeout(ws_close=10.0)


@dataclass(frozen=True, slots=True)
class ClientTimeout:
    """The timeout of opening a WebSocket.

    Attributes:
        total: seconds for the whole opening; `None` for no limit.
    """

    total: float | None = None


class BasicAuth(NamedTuple):
    """User name and password (RFC 7617)."""

    login: str
    password: str = ""
    encoding: str = "latin1"

    def encode(self) -> str:
        """Return the value of the header Authorization."""
        if ":" in self.login:
            raise ValueError("a user name must not contain ':' (RFC 7617 section 2)")
        credentials = f"{self.login}:{self.password}".encode(self.encoding)
        return f"Basic {base64.b64encode(credentials).decode('ascii')}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def check_auth(name: str, auth: object) -> None:
    """Raise `TypeError` unless `auth` is a `BasicAuth` or `None`."""
    if auth is not None and not isinstance(auth, BasicAuth):
        raise TypeError(f"{name} must be a BasicAuth or None, not {type(auth).__name__}")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The SHA-256 of the certificate that the server must have; replaces its verification."""

    fingerprint: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.fingerprint) != 32:
            raise ValueError(
                f"fingerprint is {len(self.fingerprint)} bytes, a SHA-256 has 32 bytes"
            )


class TCPConnector:
    """Holds the TLS setting for several WebSockets; each has its own TCP connection.

    Args:
        ssl: as for `ws_connect`, whose argument takes precedence.
        limit: has no effect: it limits requests, and this package makes none.
        limit_per_host: has no effect, like `limit`.
        loop: `None`, or the running event loop.
    """

    def __init__(
        self,
        *,
        ssl: tls.SSLContext | bool | Fingerprint = True,
        limit: int = 100,
        limit_per_host: int = _NO_LIMIT,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        check_loop(loop)
        check_ssl(ssl)
        self.ssl = ssl
        self.limit = limit
        self.limit_per_host = limit_per_host
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    async def close(self) -> None:
        """Close the connector: its session opens no more WebSockets."""
        self._closed = True


def check_loop(loop: object) -> None:
    """Raise `ValueError` unless `loop` is the running event loop or `None`."""
    if loop is not None and loop is not asyncio.get_running_loop():
        raise ValueError("loop must be None or the running event loop")


def check_ssl(ssl: object) -> None:
    """Raise `TypeError` unless `ssl` is an `SSLContext`, a `bool` or a `Fingerprint`."""
    if not isinstance(ssl, tls.SSLContext | bool | Fingerprint):
        raise TypeError(
            f"ssl must be an SSLContext, a bool or a Fingerprint, not {type(ssl).__name__}"
        )


def merged_ssl(
    ssl: Any, verify_ssl: bool | None, fingerprint: bytes | None, ssl_context: Any
) -> tls.SSLContext | bool | Fingerprint:
    """Combine the four TLS parameters into one; the caller may set at most one of them."""
    ssl = True if ssl is None else ssl
    check_ssl(ssl)
    given: list[tls.SSLContext | bool | Fingerprint] = [] if ssl is True else [ssl]
    if ssl_context is not None:
        check_ssl(ssl_context)
        given.append(ssl_context)
    if fingerprint is not None:
        given.append(Fingerprint(fingerprint))
    if verify_ssl is not None and not verify_ssl:
        given.append(False)
    if len(given) > 1:
        raise ValueError("only one of ssl, verify_ssl, fingerprint and ssl_context may be given")
    return given[0] if given else True


def unverified() -> tls.SSLContext:
    """Make a context that verifies neither certificates nor host names."""
    context = tls.create_default_context()
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    return context
