"""A URL in, an open transport out: over TCP, a proxy or a unix socket, plain or with TLS.

Must not know what is spoken over the transport.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _backend
from ._phases import Phases
from ._plan import Route
from ._proxy import connect_in_tls, connect_through
from ._proxy_choice import Proxy, choose_proxy
from ._route import check_route
from ._tcp import connect_tcp, family_of
from ._tls import Wanted, check_certificate, is_stock, wanted_proxy_tls, wanted_tls
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


async def open_transport(
    url: URL,
    make_link: Callable[[type[Link]], Any],
    route: Route,
    phases: Phases,
) -> Transport:
    """Connect to the host of `url`, and return the transport after the TLS handshake.

    Safe to cancel: the socket is closed.

    Args:
        url: where to.
        make_link: makes what the transport calls, of the class that it wants.
        route: how to get there.
        phases: is told of each phase.

    Raises:
        TypeError, ValueError: the route cannot be used.
        CertificateMismatch: the server has another certificate than the pinned one.
        OSError, ssl.SSLError: as the event loop raises them.
        ProxyError, ImportError: as `connect_through` raises them.
    """
    loop = asyncio.get_running_loop()
    check_route(route)
    wanted = wanted_tls(url, route)
    proxy = choose_proxy(route.proxy, url)
    proxy_wanted = wanted_proxy_tls(proxy, route)
    way = _Way(url, route, proxy, phases)
    if proxy is not None and proxy_wanted is not None:
        return await _open_in_tls(way, proxy, proxy_wanted, make_link(LinkProtocol), wanted)
    if wanted is not None:
        return await _open_tls(way, make_link(LinkProtocol), wanted)
    if not _calls_readers(loop):
        return await _open_plain(way, make_link(LinkProtocol))
    transport = SocketTransport(loop, await way.connected_socket(), make_link(Link))
    transport.start()
    return transport


def _calls_readers(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether transports other than the loop's own can read sockets by their descriptors."""
    # Not on uvloop: a reset that comes with data never reaches a reader there, and a receive would
    # hang. Not on Windows: there a socket is no file descriptor.
    return isinstance(loop, asyncio.SelectorEventLoop) and sys.platform != "win32"


# -- sockets ---------------------------------------------------------------------------


class _Way:
    """The way to a host that a route describes."""

    __slots__ = ("phases", "proxy", "route", "url")

    def __init__(self, url: URL, route: Route, proxy: Proxy | None, phases: Phases) -> None:
        self.url = url
        self.route = route
        self.proxy = proxy
        self.phases = phases

    async def connected_socket(self) -> socket.socket:
        """Return a socket whose other end is the host; it belongs to the caller.

        Safe to cancel: no socket is left open.

        Raises:
            ProxyError: the proxy could not be reached, or refused.
            OSError: the host could not be found or reached.
        """
        if self.route.sock is not None:
            return _given_socket(self.route.sock)
        if self.route.unix_path is not None:
            self.phases.enter("tcp")
            return _connect_unix(self.route)
        if self.proxy is not None:
            return await connect_through(self.proxy, self.url, self.connect_to_proxy)
        return await connect_tcp(self.url.host, self.url.port, self.route, self.phases)

    async def connect_to_proxy(self, proxy: Proxy) -> socket.socket:
        """Return a socket whose other end is the proxy."""
        sock = await connect_tcp(proxy.host, proxy.port, self.route, self.phases)
        self.phases.enter("proxy")
        return sock

    def is_simple(self) -> bool:
        """Tell whether the event loop connects as well by itself."""
        # With one address and no wishes; uvloop takes 94 us for it, with a socket of ours 137.
        route = self.route
        return (
            family_of(self.url.host) is not None
            and (self.proxy, route.sock, route.unix_path, route.local_addr) == (None,) * 4
            and route.family == 0
            and not route.socket_options
        )


def _given_socket(given: socket.socket) -> socket.socket:
    """Take the descriptor over: closing what is left of the caller's socket closes nothing."""
    # Raises what is the matter with one that is not connected.
    given.getpeername()
    given.setblocking(False)
    if given.family in {socket.AF_INET, socket.AF_INET6}:
        given.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    family, kind, protocol = given.family, given.type, given.proto
    return socket.socket(family, kind, protocol, fileno=given.detach())


def _connect_unix(route: Route) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        for option in route.socket_options:
            sock.setsockopt(*option)
        # Done at once, or refused at once: with EAGAIN if the server has no room left.
        sock.connect(os.fspath(route.unix_path))  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock


# -- transports ------------------------------------------------------------------------


async def _open_plain(way: _Way, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
    """Connect with a transport of the event loop's own."""
    loop = asyncio.get_running_loop()
    if not way.is_simple():
        sock = await way.connected_socket()
        return await _transport_of(sock, loop.create_connection(lambda: protocol, sock=sock))
    way.phases.enter("tcp")
    transport, _ = await loop.create_connection(lambda: protocol, way.url.host, way.url.port)
    return transport


async def _transport_of(
    sock: socket.socket, making: Coroutine[Any, Any, tuple[Any, Any]]
) -> asyncio.Transport:
    """Return the transport that is being made of `sock`; close it when that fails.

    Shielded: cancelled meanwhile, uvloop before 0.22 closes the descriptor, and then `sock`
    closes it again, whatever it may be by then.
    """
    made = asyncio.ensure_future(making)
    try:
        transport, _ = await asyncio.shield(made)
    except BaseException:
        made.add_done_callback(functools.partial(_abort, sock))
        raise
    return transport  # type: ignore[no-any-return]


def _abort(sock: socket.socket, made: asyncio.Future[tuple[Any, Any]]) -> None:
    if made.cancelled() or made.exception() is not None:
        sock.close()
    else:
        made.result()[0].abort()


async def _open_tls(way: _Way, link: LinkProtocol, wanted: Wanted) -> asyncio.Transport:
    """Connect with TLS, in two steps.

    So the certificate is seen before the link may write; and cancelled within the TLS handshake,
    the `create_connection` of `aiofastnet` leaves the transport open.
    """
    is_fast = _is_fast(wanted)
    if is_fast:
        plain = await _fast_transport(await way.connected_socket())
    else:
        plain = await _open_plain(way, asyncio.Protocol())
    way.phases.enter("tls")
    return await _start_tls(plain, link, wanted, is_fast=is_fast)


def _is_fast(*layers: Wanted) -> bool:
    """Tell whether `aiofastnet` can serve, which calls OpenSSL past what a subclass overrides."""
    return (
        aiofastnet is not None
        and _calls_readers(asyncio.get_running_loop())
        and all(is_stock(wanted.context) for wanted in layers)
    )


async def _fast_transport(sock: socket.socket) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    return await _transport_of(
        sock, aiofastnet.create_connection(loop, asyncio.Protocol, sock=sock)
    )


async def _start_tls(
    below: asyncio.Transport, protocol: asyncio.BaseProtocol, wanted: Wanted, *, is_fast: bool
) -> asyncio.Transport:
    """Start TLS on a transport, which is closed if that fails."""
    loop = asyncio.get_running_loop()
    start: Any = functools.partial(aiofastnet.start_tls, loop) if is_fast else loop.start_tls
    try:
        transport: asyncio.Transport | None = await start(
            below, protocol, wanted.context, server_hostname=wanted.server_hostname
        )
        # Only of a transport that closed meanwhile there is none.
        if transport is None:
            raise ConnectionAbortedError("connection was lost during the TLS handshake")
        if wanted.fingerprint is not None:
            check_certificate(transport, wanted.fingerprint)
    except BaseException:
        below.abort()
        raise
    protocol.connection_made(transport)
    return transport


async def _open_in_tls(
    way: _Way, proxy: Proxy, outer: Wanted, link: LinkProtocol, inner: Wanted | None
) -> asyncio.Transport:
    """Connect by TLS to the proxy, and inside of that by TLS or plainly to the host."""
    loop = asyncio.get_running_loop()
    # Both layers by the same stack: neither takes the other's transports without fault.
    is_fast = _is_fast(outer) if inner is None else _is_fast(outer, inner)

    async def start_tls(sock: socket.socket, protocol: asyncio.Protocol) -> asyncio.Transport:
        if is_fast:
            plain = await _fast_transport(sock)
        else:
            making = loop.create_connection(asyncio.Protocol, sock=sock)
            plain = await _transport_of(sock, making)
        return await _start_tls(plain, protocol, outer, is_fast=is_fast)

    below = await connect_in_tls(proxy, way.url, way.connect_to_proxy, start_tls)
    if inner is None:
        below.set_protocol(link)
        link.connection_made(below)
        return below
    if not is_fast and isinstance(loop, asyncio.BaseEventLoop) and sys.version_info < (3, 13):
        # Its own calls `SSLProtocol._abort` with an argument too many, and what the inner
        # handshake fails of is lost.
        below._force_close = lambda _: below.abort()  # type: ignore[attr-defined]
    way.phases.enter("tls")
    return await _start_tls(below, link, inner, is_fast=is_fast)
