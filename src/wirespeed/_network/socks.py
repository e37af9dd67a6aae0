"""Opens tunnels through SOCKS 4, 4a, 5 and 5h proxies with the package `python-socks`.

Imported only when a SOCKS proxy is used, because the package is optional.
"""

from __future__ import annotations

import socket
from typing import Any, Final

import python_socks
from python_socks.async_.asyncio import Proxy as _Dialogue

from .._handshake.url import URL
from ..exceptions import ProxyError
from .proxy_url import Proxy

# By scheme: the SOCKS version, and whether the proxy resolves the host's name.
_KINDS: Final = {
    "socks4": (python_socks.ProxyType.SOCKS4, False),
    "socks4a": (python_socks.ProxyType.SOCKS4, True),
    "socks5": (python_socks.ProxyType.SOCKS5, False),
    "socks5h": (python_socks.ProxyType.SOCKS5, True),
}
# Without a timeout python-socks sets one of 60 seconds. Our own deadline covers the whole opening.
_NO_LIMIT_SECONDS: Final = 365 * 24 * 3600.0


async def open_socks(proxy: Proxy, url: URL, sock: socket.socket) -> None:
    """Ask a SOCKS proxy to connect to the host of `url` (RFC 1928).

    Safe to cancel. The socket is closed unless this returns.

    Args:
        proxy: the proxy to ask.
        url: the URL whose host the proxy is to connect to.
        sock: a socket that is connected to the proxy.

    Raises:
        ProxyError: the proxy refused, closed the connection or does not speak SOCKS.
        OSError: the host's name could not be resolved here.
    """
    kind, resolved_there = _KINDS[proxy.scheme]
    user, password = proxy.userinfo or (None, None)
    try:
        if kind is python_socks.ProxyType.SOCKS4 and ":" in url.host:
            raise ProxyError("SOCKS4 knows no IPv6 addresses; socks5 does (RFC 1928 section 4)")
        dialogue = _Dialogue(
            kind,
            proxy.host,
            proxy.port,
            username=user,
            password=password,
            rdns=resolved_there,
            forward=_Connected(sock),
        )
        await dialogue.connect(url.host_at_proxy, url.port, timeout=_NO_LIMIT_SECONDS)
    except BaseException as exc:
        sock.close()
        # With socks4 and socks5 the name is resolved here: its failure is not the proxy's.
        if isinstance(exc, ProxyError | socket.gaierror):
            raise
        if isinstance(exc, python_socks.ProxyError):
            raise ProxyError(_refusal(exc)) from exc
        # A reset, or a malformed reply.
        if isinstance(exc, OSError | ValueError):
            raise ProxyError(f"SOCKS proxy failed: {exc}") from exc
        raise


class _Connected(_Dialogue):
    """Returns a socket that is already connected to the proxy."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def connect(self, *_: Any, **__: Any) -> socket.socket:
        return self._sock


def _refusal(exc: python_socks.ProxyError) -> str:
    text = str(exc)
    if exc.error_code is None:
        return f"SOCKS proxy failed: {text[:1].lower()}{text[1:]}"
    return (
        f"SOCKS proxy refused to connect to the server: {text[:1].lower()}{text[1:]}"
        f" (reply {int(exc.error_code)})"
    )
