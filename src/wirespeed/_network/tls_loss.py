"""Reads what waits in the socket of a lost TLS connection, before its TLS learns of the loss.

When a write fails, the transports below TLS give up reading, too, and close the socket before the
application is told. Does not decrypt: TLS does.
"""

from __future__ import annotations

import asyncio.sslproto
import errno
import functools
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._channel import ChannelProtocol

__all__ = ["read_before_loss"]


def read_before_loss(below: Any, above: Any, *, is_fast: bool) -> None:
    """Let the protocol of `above` read what has arrived when the connection is lost.

    Args:
        below: the transport below TLS, which owns the socket.
        above: the transport with TLS.
        is_fast: whether both transports are those of `aiofastnet`.
    """
    tls = below.get_protocol()
    if is_fast:
        # Its class is compiled, and its objects take no attributes.
        kind: Any = type(tls)
        try:
            tls = _with_attributes(kind)(above)
        except TypeError:
            # A release with another constructor: after a failed write, data may then be lost.
            return
        below.set_protocol(tls)
    elif not isinstance(tls, asyncio.sslproto.SSLProtocol):
        # uvloop's transport uses no methods of its TLS that could be replaced.
        return
    ending = _Ending(tls, below, above)
    tls.eof_received = ending.eof_received
    tls.connection_lost = ending.connection_lost


@functools.cache
def _with_attributes(kind: type) -> type:
    """Return a class whose objects are like those of `kind`, and take attributes."""
    return type(kind.__name__, (kind,), {})


class _Ending:
    """Takes the place of two methods of a connection's TLS, and calls these."""

    def __init__(self, tls: Any, below: Any, above: Any) -> None:
        self._tls = tls
        self._eof_received = tls.eof_received
        self._connection_lost = tls.connection_lost
        self._below = below
        self._above = above

    def eof_received(self) -> Any:
        """Report that nothing can be sent any more if TLS waits for its reader."""
        protocol = self._protocol()
        keeps_open = self._eof_received()
        if keeps_open and protocol is not None:
            # While reading is paused, asyncio's TLS does not end, but drops what is written.
            text = "the peer has ended the stream, and TLS sends nothing after that"
            protocol.write_failed(BrokenPipeError(errno.EPIPE, text))
        return keeps_open

    def connection_lost(self, exc: Exception | None) -> None:
        """Read what is left, and let TLS end."""
        # The references lead in a circle.
        del self._tls.eof_received, self._tls.connection_lost
        protocol = self._protocol()
        # After an error of TLS itself, what follows cannot be decrypted.
        if protocol is not None and isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError):
            protocol.read_left(exc, self._below, self._tls)
        self._connection_lost(exc)

    def _protocol(self) -> ChannelProtocol | None:
        """Return the protocol above TLS, unless it is that of a proxy or of another TLS."""
        try:
            protocol = self._above.get_protocol()
        except AttributeError:
            # asyncio's transport has none after the second call of its `close`.
            return None
        return protocol if hasattr(protocol, "read_left") else None
