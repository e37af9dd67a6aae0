"""The server: sends one flood to each client that asks for it, in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading

from .floods import FLOODS, HONEST, Flood

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def serve(listening: socket.socket) -> None:
    """Serve clients one after another, for ever; the path of the request numbers the flood."""
    while True:
        sock = listening.accept()[0]
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                send(sock, accept(sock))
            except OSError:
                # The client has failed the connection, which may be right.
                continue


def accept(sock: socket.socket) -> Flood:
    """Answer the opening handshake; return the flood that was asked for."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += sock.recv(65536)
    lines = request.split(b"\r\n")
    flood = (HONEST + FLOODS)[int(lines[0].split()[1].removeprefix(b"/"))]
    key = next(line for line in lines if line.lower().startswith(b"sec-websocket-key:"))
    digest = hashlib.sha1(key.split(b":")[1].strip() + GUID, usedforsecurity=False).digest()
    extension = f"Sec-WebSocket-Extensions: {flood.extension}\r\n" if flood.extension else ""
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + extension.encode()
        + b"Sec-WebSocket-Accept: "
        + base64.b64encode(digest)
        + b"\r\n\r\n"
    )
    return flood


def send(sock: socket.socket, flood: Flood) -> None:
    """Send a flood and a Close frame, and wait for the client's end."""
    reader = threading.Thread(target=drain, args=(sock,))
    if flood.reads:
        reader.start()
    sock.sendall(flood.start)
    for _ in range(flood.blocks):
        if flood.is_cut:
            for byte in flood.block:
                sock.send(bytes((byte,)))
        else:
            sock.sendall(flood.block)
    sock.sendall(flood.end + b"\x88\x02\x03\xe8")
    sock.shutdown(socket.SHUT_WR)
    if not flood.reads:
        reader.start()
    reader.join()


def drain(sock: socket.socket) -> None:
    """Read until the client ends."""
    try:
        while sock.recv(1 << 20):
            pass
    except OSError:
        return
