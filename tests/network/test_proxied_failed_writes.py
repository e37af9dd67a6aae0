"""Through a proxy, too, what has arrived is received to the end although a write has failed.

The peer plays the proxy as well, so that everything has arrived when the write fails.
"""

from __future__ import annotations

import functools
import socket
import ssl
from typing import Any

import pytest
from ends import Tls
from leaver import MESSAGES, Leave, Leaver, first_of, leaving, write_until_it_fails

from wirespeed import CloseCause

pytestmark = pytest.mark.usefixtures("transports")

LEAVES = pytest.mark.parametrize("leave", [Leave.CLOSE, Leave.RESET], ids=lambda leave: leave.name)


def read_exactly(own: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += own.recv(size - len(data))
    return data


def http_tunnel(own: socket.socket) -> socket.socket:
    """Accept a CONNECT (RFC 9110 section 9.3.6)."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += own.recv(1)
    own.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    return own


def https_tunnel(context: ssl.SSLContext, own: socket.socket) -> socket.socket:
    """Accept a CONNECT inside TLS."""
    return http_tunnel(context.wrap_socket(own, server_side=True))


def socks5_tunnel(own: socket.socket) -> socket.socket:
    """Accept a CONNECT to an IPv4 address, without authentication (RFC 1928)."""
    read_exactly(own, read_exactly(own, 2)[1])
    own.sendall(b"\x05\x00")
    read_exactly(own, 4 + 4 + 2)
    own.sendall(b"\x05\x00\x00\x01" + bytes(6))
    return own


async def check_nothing_is_lost(server: Leaver, **options: Any) -> None:
    """Let the peer leave, and a write fail; receive everything."""
    ws, received = await first_of(server, **options)
    await write_until_it_fails(ws)
    received += [message async for message in ws]
    assert received == MESSAGES
    await ws.wait_closed()
    info = ws.close_info
    assert info is not None
    assert (info.cause, info.received, info.sent) == (CloseCause.PEER_CLOSE, (1000, "bye"), None)


@LEAVES
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_through_a_plain_proxy(scheme: str, tls: Tls, leave: Leave) -> None:
    tunnel = {"http": http_tunnel, "socks5": socks5_tunnel}[scheme]
    with leaving(leave=leave, tls=tls.server, tunnel=tunnel) as server:
        proxy = f"{scheme}://{server.authority}"
        await check_nothing_is_lost(server, ssl=tls.client, proxy=proxy)


@LEAVES
async def test_through_a_proxy_inside_tls(
    leave: Leave, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    tunnel = functools.partial(https_tunnel, server_ssl)
    with leaving(leave=leave, tunnel=tunnel) as server:
        proxy = f"https://{server.authority}"
        await check_nothing_is_lost(server, proxy=proxy, proxy_ssl=client_ssl)
