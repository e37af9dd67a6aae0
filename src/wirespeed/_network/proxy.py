"""Opens a tunnel through a proxy to the host of a URL.

The caller passes the functions that connect to the proxy and that start TLS with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from .._handshake.url import URL
from ..exceptions import ProxyError
from .http_connect import Tunnel
from .proxy_url import Proxy
from .tls_failure import Place, tls_failure

# Feeds the proxy's next bytes to the tunnel; returns whether the outcome is known.
Listen: TypeAlias = Callable[[], Awaitable[bool]]
Connect: TypeAlias = Callable[[Proxy], Awaitable[socket.socket]]
StartTls: TypeAlias = Callable[[socket.socket, asyncio.Protocol], Awaitable[asyncio.Transport]]

_READ_BYTES: Final = 4096
# Limits the wait for the body of a refusal: it only explains, and some proxies never end it.
_BODY_SECONDS: Final = 1.0
# Limits the wait for the empty body of a 2xx response: most proxies that announce one send none.
_EMPTY_BODY_SECONDS: Final = 0.25


async def connect_through(proxy: Proxy, url: URL, connect: Connect) -> socket.socket:
    """Return a socket that is connected to the host of `url` through a proxy.

    Safe to cancel: the socket is closed.

    Args:
        proxy: a proxy with any scheme but https.
        url: the URL whose host to connect to.
        connect: connects to the proxy.

    Raises:
        ProxyError: the proxy could not be reached, or it refused.
        ImportError: the proxy speaks SOCKS, and `python-socks` is not installed.
        OSError: the host's name could not be resolved here (socks4, socks5).
    """
    if proxy.scheme == "http":
        return await _open_http(proxy, url, connect)
    try:
        from .socks import open_socks  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        raise ImportError(
            "a SOCKS proxy needs the package python-socks, which comes with"
            ' pip install "wirespeed[proxy]"'
        ) from exc
    sock = await _reach(proxy, connect)
    await open_socks(proxy, url, sock)
    return sock


async def connect_in_tls(
    proxy: Proxy, url: URL, connect: Connect, start_tls: StartTls
) -> asyncio.Transport:
    """Return a transport that is connected to the host of `url` through TLS with the proxy.

    The caller must replace its protocol at once. Safe to cancel: the socket is closed.

    Args:
        proxy: a proxy with the scheme https.
        url: the URL whose host to connect to.
        connect: connects to the proxy.
        start_tls: makes the TLS transport, and closes the socket if it cannot.

    Raises:
        ProxyError: the proxy could not be reached or verified, or it refused.
    """
    tunnel = Tunnel(proxy, url)
    dialogue = _Dialogue(tunnel)
    sock = await _reach(proxy, connect)
    try:
        transport = await start_tls(sock, dialogue)
    except OSError as exc:
        raise _unreachable(proxy, exc) from exc
    try:
        transport.write(tunnel.request())
        await _hear_out(tunnel, dialogue.listen)
        if dialogue.alert is not None and not tunnel.is_answered():
            # With TLS 1.3, the proxy judges the client after the client's handshake is over.
            alert = tls_failure(dialogue.alert, Place(proxy.host, proxy.port, True), proxy.host)
            raise _unreachable(proxy, alert) from alert
        tunnel.check()
    except BaseException:
        transport.abort()
        raise
    return transport


async def _reach(proxy: Proxy, connect: Connect) -> socket.socket:
    try:
        return await connect(proxy)
    except OSError as exc:
        raise _unreachable(proxy, exc) from exc


def _unreachable(proxy: Proxy, exc: OSError) -> ProxyError:
    # asyncio raises some `OSError`s without a text.
    return ProxyError(f"proxy {proxy} could not be connected to: {exc or type(exc).__name__}")


async def _open_http(proxy: Proxy, url: URL, connect: Connect) -> socket.socket:
    loop = asyncio.get_running_loop()
    tunnel = Tunnel(proxy, url)
    sock = await _reach(proxy, connect)

    async def listen() -> bool:
        return tunnel.receive_data(await loop.sock_recv(sock, _READ_BYTES))

    try:
        try:
            await loop.sock_sendall(sock, tunnel.request())
            await _hear_out(tunnel, listen)
        except OSError as exc:
            raise ProxyError(f"connection to the proxy failed: {exc}") from exc
        tunnel.check()
    except BaseException:
        sock.close()
        raise
    return sock


async def _hear_out(tunnel: Tunnel, listen: Listen) -> None:
    """Wait for the proxy's response, and for a limited time for the body of a refusal."""
    while not await listen():
        if tunnel.refused():
            break
    else:
        if tunnel.may_go_on():
            await _skip_empty_body(listen)
        return
    try:
        # A refusal stays a refusal if the connection is reset now.
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_BODY_SECONDS):
                while not await listen():
                    pass
    except asyncio.CancelledError as cancelled:
        # If the time for the opening is over, this is why.
        try:
            tunnel.check()
        except ProxyError as refusal:
            raise cancelled from refusal
        raise


async def _skip_empty_body(listen: Listen) -> None:
    """Wait a little for the empty body that the proxy has announced.

    What comes now is no data of the server, which waits for our first bytes.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_EMPTY_BODY_SECONDS):
            is_whole = await listen()
        while not is_whole:
            is_whole = await listen()


class _Dialogue(asyncio.Protocol):
    """Passes the bytes that arrive through TLS on to a `Tunnel`.

    Attributes:
        alert: the error of TLS that ended the connection; `None` if there was none.
    """

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._heard = asyncio.Event()
        self._is_over = False
        self.alert: ssl.SSLError | None = None

    def data_received(self, data: bytes) -> None:
        self._is_over = self._tunnel.receive_data(data)
        self._heard.set()

    def eof_received(self) -> None:
        self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ssl.SSLError):
            self.alert = exc
        self.data_received(b"")

    async def listen(self) -> bool:
        """Wait until something has arrived; return whether the outcome is known."""
        await self._heard.wait()
        self._heard.clear()
        return self._is_over
