"""Checks that an installed wirespeed works: one message there and back over a real socket.

Does not use the source tree, and needs no packages besides wirespeed's own requirements.
Usage: python ci/smoke.py compiled|pure
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
from pathlib import Path

import wirespeed

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the opening handshake, send one text message back, close."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
    place = head.lower().index(fields[b"sec-websocket-key"])
    key = head[place : place + 24]
    accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    for _ in range(2):  # the message, then the Close frame
        first, second = await reader.readexactly(2)
        masking_key = await reader.readexactly(4)
        payload = await reader.readexactly(second & 0x7F)
        unmasked = bytes(byte ^ masking_key[i % 4] for i, byte in enumerate(payload))
        writer.write(bytes((first, len(unmasked))) + unmasked)
    writer.close()


async def main() -> None:
    """Connect, echo, close."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with wirespeed.connect(f"ws://127.0.0.1:{port}/") as ws:
            await ws.send_text("hello, wörld")
            answer = await ws.receive_text(timeout=10)
        if (answer, ws.close_code) != ("hello, wörld", 1000):
            sys.exit(f"the echo was {answer!r}, the close code {ws.close_code}")


expected = sys.argv[1]
if wirespeed.implementation != expected:
    sys.exit(f"wirespeed is {wirespeed.implementation}, expected was {expected}")
asyncio.run(main())
where = Path(wirespeed.__file__).parent
python = ".".join(map(str, sys.version_info[:2]))
print(f"wirespeed {wirespeed.__version__} works, {expected}, on Python {python}, from {where}")
