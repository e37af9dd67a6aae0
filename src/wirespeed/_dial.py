"""A URL in, an open transport out: TCP and TLS.

Must not know what is spoken over the transport.
"""

from __future__ import annotations

import asyncio
import functools
import ssl as tls
from collections.abc import Callable

from ._url import URL

try:
    import aiofastnet
except ImportError:
    aiofastnet = None  # type: ignore[assignment]


@functools.cache
def _default_context() -> tls.SSLContext:
    """Make the verifying context once: reading the CA certificates takes milliseconds."""
    return tls.create_default_context()


def tls_context(url: URL, ssl: tls.SSLContext | bool | None) -> tls.SSLContext | None:
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


async def open_transport(
    url: URL,
    protocol_factory: Callable[[], asyncio.BufferedProtocol],
    *,
    context: tls.SSLContext | None,
    server_hostname: str | None,
) -> asyncio.Transport:
    """Connect to the host of `url`, and return the transport after the TLS handshake.

    Safe to cancel: the socket is closed.

    Raises:
        OSError, ssl.SSLError: as the event loop raises them.
    """
    loop = asyncio.get_running_loop()
    name = None if context is None else server_hostname or url.host
    if _is_fast(loop, context):
        if context is not None:
            return await _open_fast_tls(loop, url, protocol_factory, context, name)
        transport, _ = await aiofastnet.create_connection(
            loop, protocol_factory, url.host, url.port
        )
    else:
        transport, _ = await loop.create_connection(
            protocol_factory, url.host, url.port, ssl=context, server_hostname=name
        )
    return transport


def _is_fast(loop: asyncio.AbstractEventLoop, context: tls.SSLContext | None) -> bool:
    """Tell whether `aiofastnet` opens the transport."""
    # Not on uvloop: a reset that comes with data is never reported there, and a receive would hang.
    if aiofastnet is None or not isinstance(loop, asyncio.SelectorEventLoop):
        return False
    # OpenSSL is called directly, past what a subclass overrides.
    return context is None or type(context) is tls.SSLContext


async def _open_fast_tls(
    loop: asyncio.AbstractEventLoop,
    url: URL,
    protocol_factory: Callable[[], asyncio.BufferedProtocol],
    context: tls.SSLContext,
    server_hostname: str | None,
) -> asyncio.Transport:
    """Connect with TLS by `aiofastnet`.

    In two steps: cancelled within the TLS handshake, its `create_connection` leaves the
    transport open.
    """
    plain, _ = await aiofastnet.create_connection(loop, asyncio.Protocol, url.host, url.port)
    try:
        protocol = protocol_factory()
        transport = await aiofastnet.start_tls(
            loop, plain, protocol, context, server_hostname=server_hostname
        )
    except BaseException:
        plain.abort()
        raise
    protocol.connection_made(transport)
    return transport
