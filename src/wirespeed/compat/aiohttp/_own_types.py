"""The enums and settings of `aiohttp` for a program without `aiohttp`: the same names and values.

Does not open connections.
"""

from __future__ import annotations

import asyncio
import base64
import enum
import ssl as tls
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class WSMsgType(enum.IntEnum):
    """The type of a message; values below 0x100 are the opcodes of RFC 6455 section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA
    # The server does not send these.
    CLOSING = 0x100
    CLOSED = 0x101
    ERROR = 0x102

    # The names in the first versions of aiohttp.
    text = TEXT
    binary = BINARY
    close = CLOSE
    ping = PING
    pong = PONG
    closing = CLOSING
    closed = CLOSED
    error = ERROR


class WSCloseCode(enum.IntEnum):
    """Registered close codes (RFC 6455 section 7.4.1)."""

    OK = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014


@dataclass(frozen=True, slots=True)
class ClientWSTimeout:
    """The timeouts of an open WebSocket.

    Attributes:
        ws_receive: seconds for each receive; `None` for no limit.
        ws_close: seconds for the whole closing handshake; `None` for no limit.
    """

    ws_receive: float | None = None
    ws_close: float | None = None


@dataclass(frozen=True, slots=True)
class ClientTimeout:
    """The timeouts of opening a WebSocket.

    Attributes:
        total: seconds for the whole opening; `None` for no limit.
        connect: used as `total` if that is `None`; `None` for no limit.
        sock_read: has no effect: it limits the body of a response.
        sock_connect: used as `total` if that and `connect` are `None`.
        ceil_threshold: has no effect: timeouts are not rounded.
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    ceil_threshold: float = 5


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
        limit: has no effect: it limits requests, and there are none without aiohttp.
        limit_per_host: has no effect, like `limit`.
        loop: `None`, or the running event loop.
        family: the family of addresses to use; 0 for both.
        local_addr: host and port to connect from; `None` for any.
        resolver: finds the addresses of hosts; has aiohttp's method `resolve`. `None` for the
            event loop's way.
        pooling: `force_close`, `keepalive_timeout`, `enable_cleanup_closed`, `use_dns_cache`,
            `ttl_dns_cache`, `happy_eyeballs_delay`, `interleave`, `timeout_ceil_threshold` and
            `ssl_shutdown_timeout` are taken and have no effect.
    """

    _POOLING = frozenset(
        {
            "enable_cleanup_closed",
            "force_close",
            "happy_eyeballs_delay",
            "interleave",
            "keepalive_timeout",
            "ssl_shutdown_timeout",
            "timeout_ceil_threshold",
            "ttl_dns_cache",
            "use_dns_cache",
        }
    )

    def __init__(
        self,
        *,
        ssl: tls.SSLContext | bool | Fingerprint = True,
        limit: int = 100,
        limit_per_host: int = 0,
        loop: asyncio.AbstractEventLoop | None = None,
        family: int = 0,
        local_addr: tuple[str, int] | None = None,
        resolver: Any = None,
        **pooling: Any,
    ) -> None:
        unknown = sorted(pooling.keys() - self._POOLING)
        if unknown:
            raise TypeError(f"TCPConnector has no argument {', '.join(map(repr, unknown))} here")
        if loop is not None and loop is not asyncio.get_running_loop():
            raise ValueError("loop must be None or the running event loop")
        if not isinstance(ssl, tls.SSLContext | bool | Fingerprint):
            raise TypeError(
                f"ssl must be an SSLContext, a bool or a Fingerprint, not {type(ssl).__name__}"
            )
        self._ssl = ssl
        self._family = family
        self.limit = limit
        self.limit_per_host = limit_per_host
        self._local_addr = local_addr
        self._resolver = resolver
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    async def close(self) -> None:
        """Close the connector: its session opens no more WebSockets."""
        self._closed = True
