"""A URL in, an open transport out: TCP and TLS.

Must not know what is spoken over the transport.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl as tls
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _backend
from ._plan import Route
from ._url import URL

if TYPE_CHECKING or not _backend.COMPILED:
    from ._channel import Link, LinkProtocol, SocketTransport
else:
    from ._channel_c import Link, LinkProtocol, SocketTransport

try:
    import aiofastnet
except ImportError:
    aiofastnet = None  # type: ignore[assignment]


Transport: TypeAlias = asyncio.Transport | SocketTransport


@functools.cache
def _default_context() -> tls.SSLContext:
    """Make the verifying context once: reading the CA certificates takes milliseconds."""
    return tls.create_default_context()


def _tls_context(url: URL, ssl: tls.SSLContext | bool | None) -> tls.SSLContext | None:
    """Return the TLS context for `url`, `None` for a plain connection.

    Raises:
        TypeError: `ssl` is neither an `ssl.SSLContext` nor `True` nor `None`.
        ValueError: `ssl` is given for a URL without TLS.
    """
    if ssl is not None and ssl is not True and not isinstance(ssl, tls.SSLContext):
        given = repr(ssl) if isinstance(ssl, bool) else type(ssl).__name__
        raise TypeError(f"ssl must be an ssl.SSLContext, True or None, not {given}")
    if not url.secure:
        if ssl is not None:
            raise ValueError("ssl is given, but the scheme of the URL is ws or http")
        return None
    return ssl if isinstance(ssl, tls.SSLContext) else _default_context()


def _name_to_verify(url: URL, server_hostname: str | None) -> str | None:
    if not isinstance(server_hostname, str | None):
        kind = type(server_hostname).__name__
        raise TypeError(f"server_hostname must be str or None, not {kind}")
    return server_hostname or url.host if url.secure else None


async def open_transport(
    url: URL,
    make_link: Callable[[type[Link]], Any],
    route: Route,
) -> Transport:
    """Connect to the host of `url`, and return the transport after the TLS handshake.

    Safe to cancel: the socket is closed.

    Args:
        url: where to.
        make_link: makes what the transport calls, of the class that it wants.
        route: how to get there.

    Raises:
        TypeError, ValueError: the route cannot be used.
        OSError, ssl.SSLError: as the event loop raises them.
    """
    loop = asyncio.get_running_loop()
    context = _tls_context(url, route.ssl)
    name = _name_to_verify(url, route.server_hostname)
    if not _calls_readers(loop):
        return await _open_native(loop, url, make_link(LinkProtocol), context, name)
    if context is None:
        transport = SocketTransport(loop, await _connect(loop, url), make_link(Link))
        transport.start()
        return transport
    # It calls OpenSSL directly, past what a subclass overrides.
    if aiofastnet is not None and type(context) is tls.SSLContext:
        return await _open_fast_tls(loop, url, make_link(LinkProtocol), context, name)
    return await _open_native(loop, url, make_link(LinkProtocol), context, name)


def _calls_readers(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether transports other than the loop's own can read sockets by their descriptors."""
    # Not on uvloop: a reset that comes with data never reaches a reader there, and a receive would
    # hang. Not on Windows: there a socket is no file descriptor.
    return isinstance(loop, asyncio.SelectorEventLoop) and sys.platform != "win32"


async def _open_native(
    loop: asyncio.AbstractEventLoop,
    url: URL,
    link: LinkProtocol,
    context: tls.SSLContext | None,
    server_hostname: str | None,
) -> asyncio.Transport:
    transport, _ = await loop.create_connection(
        lambda: link, url.host, url.port, ssl=context, server_hostname=server_hostname
    )
    return transport


async def _connect(loop: asyncio.AbstractEventLoop, url: URL) -> socket.socket:
    """Connect to the first address of the host that can be connected to.

    Raises:
        OSError: none can, or there is no such host.
    """
    failures: list[OSError] = []
    for family, address in await _addresses(loop, url):
        try:
            return await _connect_to(loop, family, address)
        except OSError as exc:
            failures.append(exc)
    raise _combined(failures)


async def _connect_to(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _addresses(loop: asyncio.AbstractEventLoop, url: URL) -> list[tuple[Any, Any]]:
    """Find the families and addresses to connect to."""
    # An IP address needs no resolver, and no thread for one.
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, url.host)
            return [(family, (url.host, url.port))]
    found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _combined(failures: list[OSError]) -> OSError:
    """Make one error of those of all addresses."""
    if len(failures) == 1:
        return failures[0]
    text = "; ".join(["no address of the host could be connected to", *map(str, failures)])
    numbers = {failure.errno for failure in failures}
    # With a number it is an error of the right class, such as ConnectionRefusedError.
    return OSError(numbers.pop(), text) if len(numbers) == 1 else OSError(text)


async def _open_fast_tls(
    loop: asyncio.AbstractEventLoop,
    url: URL,
    link: LinkProtocol,
    context: tls.SSLContext,
    server_hostname: str | None,
) -> asyncio.Transport:
    """Connect with TLS by `aiofastnet`.

    In two steps: cancelled within the TLS handshake, its `create_connection` leaves the
    transport open.
    """
    plain, _ = await aiofastnet.create_connection(loop, asyncio.Protocol, url.host, url.port)
    try:
        transport = await aiofastnet.start_tls(
            loop, plain, link, context, server_hostname=server_hostname
        )
    except BaseException:
        plain.abort()
        raise
    link.connection_made(transport)
    return transport
