"""Opens a transport to the host of a URL: over TCP, a unix socket or a proxy, plain or with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from .._base.timings import Phases
from .._codec import backend
from .._handshake.url import URL
from ..exceptions import CertificateMismatch
from .proxy import connect_in_tls, connect_through
from .proxy_url import Proxy, choose_proxy
from .route import Route, SocketOption, check_route
from .tcp import connect_tcp, family_of, not_connected
from .tls import Wanted, check_certificate, is_stock, wanted_proxy_tls, wanted_tls
from .tls_failure import early_data, tls_failure
from .tls_loss import read_before_loss

if TYPE_CHECKING or not backend.COMPILED:
    from .._channel import BufferedChannelProtocol, ChannelProtocol, SocketTransport
else:
    from .._channel_c import BufferedChannelProtocol, ChannelProtocol, SocketTransport

try:
    import aiofastnet
except ImportError:
    aiofastnet = None  # type: ignore[assignment]

__all__ = ["SocketTransport", "Transport", "open_transport"]

Transport: TypeAlias = asyncio.Transport | SocketTransport


async def open_transport(
    url: URL,
    make_protocol: Callable[[type[ChannelProtocol]], Any],
    route: Route,
    phases: Phases,
) -> Transport:
    """Connect to the host of `url`, and return the transport after the TLS handshake.

    Safe to cancel: the socket is closed.

    Args:
        url: the URL to connect to.
        make_protocol: makes the protocol; its argument is the class that the transport needs.
        route: the options for reaching the host.
        phases: enters each phase as it begins.

    Raises:
        TypeError, ValueError: the route cannot be used.
        CertificateMismatch: the server's certificate is not the pinned one.
        TLSError: TLS could not be started.
        OSError: as the event loop raises it.
        ProxyError, ImportError: as `connect_through` raises them.
    """
    loop = asyncio.get_running_loop()
    check_route(route)
    wanted = wanted_tls(url, route)
    proxy = choose_proxy(route.proxy, url)
    proxy_tls = wanted_proxy_tls(proxy, route)
    if proxy is not None:
        if proxy_tls is not None:
            layers = proxy_tls, wanted
            protocol = make_protocol(BufferedChannelProtocol)
            return await _open_inside_tls(proxy, url, protocol, layers, route=route, phases=phases)
        connect = functools.partial(_connect_to_proxy, route, phases)
        # From here on it is like any other connected socket.
        route = replace(route, sock=await connect_through(proxy, url, connect))
    if wanted is not None:
        return await _open_tls(url, make_protocol(BufferedChannelProtocol), wanted, route, phases)
    if not _calls_readers(loop):
        return await _open_plain(url, make_protocol(BufferedChannelProtocol), route, phases)
    transport = SocketTransport(
        loop, await connected_socket(url, route, phases), make_protocol(ChannelProtocol)
    )
    transport.start()
    return transport


def _calls_readers(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether transports other than the loop's own can use `loop.add_reader` on sockets."""
    # Not on uvloop: there a reset that comes with data never reaches a reader, so a receive would
    # hang. Not on Windows: there a socket is not a file descriptor.
    return isinstance(loop, asyncio.SelectorEventLoop) and sys.platform != "win32"


# -- sockets ---------------------------------------------------------------------------


async def connected_socket(url: URL, route: Route, phases: Phases) -> socket.socket:
    """Return a socket that is connected to the host of `url`; the caller must close it.

    Safe to cancel: no socket is left open.

    Raises:
        OSError: the host could not be found or reached.
    """
    if route.sock is not None:
        return _given_socket(route.sock)
    if route.unix_path is not None:
        phases.enter("tcp")
        return _connect_unix(route.unix_path, route.socket_options)
    return await connect_tcp(url.host, url.port, route, phases)


def _given_socket(given: socket.socket) -> socket.socket:
    """Take over the descriptor, so that closing the caller's socket object closes nothing."""
    try:
        given.getpeername()
    except OSError:
        # If the socket was connected, it still knows what ended it, such as a reset.
        number = given.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        given.close()
        if number:
            raise OSError(number, os.strerror(number)) from None
        raise
    given.setblocking(False)
    if given.family in {socket.AF_INET, socket.AF_INET6}:
        given.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    family, kind, protocol = given.family, given.type, given.proto
    return socket.socket(family, kind, protocol, fileno=given.detach())


def _connect_unix(
    path: str | bytes | os.PathLike[str], options: Iterable[SocketOption]
) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        for option in options:
            sock.setsockopt(*option)
        # Succeeds or fails at once: with EAGAIN if the server's backlog is full.
        sock.connect(os.fspath(path))
    except BaseException as exc:
        sock.close()
        if isinstance(exc, OSError):
            exc.filename = os.fspath(path)
        raise
    return sock


# -- transports ------------------------------------------------------------------------


async def _open_plain(
    url: URL, protocol: asyncio.BaseProtocol, route: Route, phases: Phases
) -> asyncio.Transport:
    """Connect with the event loop's own transport."""
    loop = asyncio.get_running_loop()
    if not _loop_connects(url, route):
        sock = await connected_socket(url, route, phases)
        return await _transport_of(sock, loop.create_connection(lambda: protocol, sock=sock))
    phases.enter("tcp")
    try:
        transport, _ = await loop.create_connection(lambda: protocol, url.host, url.port)
    except OSError as exc:
        raise not_connected(exc, url.host, url.port) from exc
    return transport


def _loop_connects(url: URL, route: Route) -> bool:
    """Return whether the event loop can do the connecting."""
    # It can if there is one address and no option to apply. uvloop then takes 94 us; with a socket
    # that we connect it takes 137 us.
    return (
        family_of(url.host) is not None
        and route.family == 0
        and (route.sock, route.unix_path, route.local_addr) == (None, None, None)
        and not route.socket_options
    )


async def _transport_of(
    sock: socket.socket, making: Coroutine[Any, Any, tuple[Any, Any]]
) -> asyncio.Transport:
    """Return the transport that `making` makes of `sock`; close `sock` if that fails.

    `making` is shielded from cancellation. If uvloop before 0.22 is cancelled there, it closes the
    descriptor. `sock` then closes the same number again, which may be another file by then.
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


async def _open_tls(
    url: URL, protocol: BufferedChannelProtocol, wanted: Wanted, route: Route, phases: Phases
) -> asyncio.Transport:
    """Connect, then start TLS as a second step; see `_tls_transport`."""
    sock = await connected_socket(url, route, phases)
    phases.enter("tls")
    return await _tls_transport(sock, protocol, wanted, is_fast=_is_fast(wanted))


async def _tls_transport(
    sock: socket.socket, protocol: asyncio.BaseProtocol, wanted: Wanted, *, is_fast: bool
) -> asyncio.Transport:
    """Start TLS on a connected socket, and return the transport; close the socket on failure.

    TLS starts as a second step. With `create_connection(ssl=...)`, uvloop would send the first
    bytes of the handshake before that returns, and close the descriptor twice if it cannot: see
    `ChannelProtocol.connection_made`. And that of `aiofastnet` leaves the transport open when it
    is cancelled during the handshake.

    Raises:
        CertificateMismatch: the server's certificate is not the pinned one.
        TLSError: TLS could not be started.
        OSError: the socket cannot be used.
    """
    loop = asyncio.get_running_loop()
    early = _Early()
    if is_fast:
        making = aiofastnet.create_connection(loop, lambda: early, sock=sock)
    else:
        making = loop.create_connection(lambda: early, sock=sock)
    plain = await _transport_of(sock, making)
    if early.has_data:
        plain.abort()
        raise early_data(wanted.place)
    transport = await _start_tls(plain, protocol, wanted, is_fast=is_fast)
    read_before_loss(plain, transport, is_fast=is_fast)
    return transport


class _Early(asyncio.Protocol):
    """Notices bytes that arrive before TLS begins to read.

    No TLS server sends any, so what they are does not matter. Without them, the rest may look like
    a record that never ends.
    """

    def __init__(self) -> None:
        self.has_data = False

    def data_received(self, data: bytes) -> None:
        self.has_data = True


async def _start_tls(
    below: asyncio.Transport, protocol: asyncio.BaseProtocol, wanted: Wanted, *, is_fast: bool
) -> asyncio.Transport:
    """Start TLS on the transport `below`, and return the TLS transport; abort `below` on failure.

    Raises:
        CertificateMismatch: the server's certificate is not the pinned one.
        TLSError: TLS could not be started.
    """
    loop = asyncio.get_running_loop()
    start_tls: Any = loop.start_tls
    if is_fast:
        quiet: Any = _QuietLoop(loop)
        start_tls = functools.partial(aiofastnet.start_tls, quiet)
    try:
        # Once `below` has lost its peer, no protocol is told of it any more: the handshake would
        # wait until its own time runs out.
        if below.is_closing():
            raise _closed_early()
        transport: asyncio.Transport | None = await start_tls(
            below, protocol, wanted.context, server_hostname=wanted.server_hostname
        )
        # If `below` was lost meanwhile, asyncio's may return `None`. uvloop's may return a
        # transport that is closed; its protocol never learns of the end.
        if transport is None or transport.is_closing():
            raise _closed_early()
        if wanted.fingerprint is not None:
            check_certificate(transport, wanted.fingerprint)
    except BaseException as exc:
        below.abort()
        if isinstance(exc, OSError) and not isinstance(exc, CertificateMismatch):
            raise tls_failure(exc, wanted.place, wanted.server_hostname) from exc
        raise
    protocol.connection_made(transport)
    return transport


class _QuietLoop:
    """The event loop as a TLS transport of `aiofastnet` sees it.

    When the stream ends during the handshake, that transport reports an exception class to the
    loop's exception handler, besides raising it. asyncio's handler cannot print a class. And when
    the handshake cannot begin, it raises from a callback, and who waits for it is not told.
    """

    __slots__ = ("_begun", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._begun: asyncio.Future[None] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future, and note it until the next `call_soon`: it waits for the handshake."""
        made: asyncio.Future[Any] = self._loop.create_future()
        self._begun = made
        return made

    def call_soon(self, callback: Callable[..., object], *args: Any) -> asyncio.Handle:
        """Schedule a callback; if it is the one that begins the handshake, let its error be met."""
        begun, self._begun = self._begun, None
        if begun is None:
            return self._loop.call_soon(callback, *args)
        return self._loop.call_soon(_begin, begun, callback, args)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Pass on what is not raised anyway."""
        if not isinstance(context.get("exception"), type):
            self._loop.call_exception_handler(context)


def _begin(
    begun: asyncio.Future[None], callback: Callable[..., object], args: tuple[Any, ...]
) -> None:
    """Call what begins a handshake; if it raises, give the error to the one that waits."""
    try:
        callback(*args)
    except Exception as exc:
        if begun.done():
            raise
        begun.set_exception(exc)


def _closed_early() -> ConnectionResetError:
    return ConnectionResetError(
        errno.ECONNRESET, "the peer closed the connection before the end of the TLS handshake"
    )


def _is_fast(wanted: Wanted) -> bool:
    """Return whether `aiofastnet` can be used."""
    # It calls OpenSSL directly, so it would ignore what a subclass of the context overrides.
    loop = asyncio.get_running_loop()
    return aiofastnet is not None and _calls_readers(loop) and is_stock(wanted.context)


# -- proxies ---------------------------------------------------------------------------


async def _connect_to_proxy(route: Route, phases: Phases, proxy: Proxy) -> socket.socket:
    sock = await connect_tcp(proxy.host, proxy.port, route, phases)
    phases.enter("proxy")
    return sock


async def _open_inside_tls(
    proxy: Proxy,
    url: URL,
    protocol: BufferedChannelProtocol,
    layers: tuple[Wanted, Wanted | None],
    *,
    route: Route,
    phases: Phases,
) -> asyncio.Transport:
    """Connect to the proxy with TLS, and through it to the host of `url`, plain or with TLS."""
    loop = asyncio.get_running_loop()
    outer_tls, inner_tls = layers
    # Both layers use the same TLS implementation: neither works on the other's transports.
    is_fast = all(layer is None or _is_fast(layer) for layer in layers)

    async def start_tls(sock: socket.socket, protocol: asyncio.Protocol) -> asyncio.Transport:
        return await _tls_transport(sock, protocol, outer_tls, is_fast=is_fast)

    connect = functools.partial(_connect_to_proxy, route, phases)
    outer = await connect_in_tls(proxy, url, connect, start_tls)
    if inner_tls is None:
        if outer.is_closing():
            # The proxy has closed right behind its response, and no protocol is told any more.
            raise ConnectionResetError(errno.ECONNRESET, "the proxy closed the connection")
        outer.set_protocol(protocol)
        protocol.connection_made(outer)
        return outer
    if not is_fast and isinstance(loop, asyncio.BaseEventLoop) and sys.version_info < (3, 13):
        # asyncio's own `_force_close` calls `SSLProtocol._abort` with one argument too many, so
        # the reason why the inner handshake failed would be lost.
        outer._force_close = functools.partial(_force_close, outer)  # type: ignore[attr-defined]
    phases.enter("tls")
    return await _start_tls(outer, protocol, inner_tls, is_fast=is_fast)


def _force_close(outer: asyncio.Transport, exc: Exception | None) -> None:
    """Abort the outer transport, and tell the inner TLS why."""
    # After the end, there is no inner TLS any more.
    with contextlib.suppress(AttributeError):
        inner: Any = outer.get_protocol()
        lost = inner.connection_lost
        inner.connection_lost = lambda _: lost(exc)
    outer.abort()
