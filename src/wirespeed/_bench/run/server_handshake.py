"""The server's side of the opening handshake, with as little work as possible.

The path says what the connection is for; the caller interprets it.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from typing import Final

from ..._base.rfc6455 import HANDSHAKE_GUID

_HEAD_BYTES: Final = 64 * 1024


def shake_hands(sock: socket.socket) -> str:
    """Answer the request (RFC 6455 section 4.2.2); return its path.

    Raises:
        OSError: the connection is lost, or the request has no Sec-WebSocket-Key.
    """
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = sock.recv(_HEAD_BYTES)
        if not data:
            raise ConnectionError("connection ended inside the request")
        head += data
    lines = head.split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
    key = {name.lower(): value for name, value in fields.items()}.get(b"sec-websocket-key")
    if key is None:
        raise ConnectionError("the request has no Sec-WebSocket-Key")
    accept = base64.b64encode(hashlib.sha1(key + HANDSHAKE_GUID, usedforsecurity=False).digest())
    # Accept any offer of compression: a client offers it only in a work that uses it.
    offers = any(name.lower() == b"sec-websocket-extensions" for name in fields)
    extensions = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if offers else b""
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + extensions + b"\r\n"
    )
    return lines[0].split()[1].decode()
